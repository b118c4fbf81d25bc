import { command } from '../command.ts';
import { findSession } from './find.ts';
import { printJson } from './print.ts';
import { findNeeds, submitOptions, taskBody } from './submit.ts';

/** `keruta task add` */
export const taskAdd = command({
  name: 'task add',
  summary: 'Adds a task to a session and prints its id; the agent of the session runs it in its turn.',
  positionals: { script: { doc: 'script file; - reads it from stdin', optional: true } },
  options: submitOptions,
  examples: [
    'keruta task add ./build.sh --session website',
    "keruta task add -c 'make test' --timeout 10m",
    "keruta task add -c 'make release' --needs 3f2a",
    'keruta task add --kind agent -f task.yaml --session website',
  ],
  run: async (context, values) => {
    const { body, wish } = await taskBody(context, values.script, values);
    const client = await context.makeClient();
    const session = await findSession(context, client, values.session);
    const needs = await findNeeds(context, client, { values, wish, session });
    const newTask = { ...body, needs, sessionId: session.id };
    const task = await client.tasks.create(newTask, { signal: context.signal });
    if (context.json) await printJson(context, task);
    else await context.stdout.write(`${task.id}\n`);
    return 0;
  },
});
