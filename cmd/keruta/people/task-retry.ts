import { command } from '../command.ts';
import { findTask } from './find.ts';
import { printJson, shortId } from './print.ts';

/** `keruta task retry` */
export const taskRetry = command({
  name: 'task retry',
  summary: 'Runs a task that has ended once more, as a new attempt.',
  positionals: { task: { doc: 'id, or at least 4 characters of its beginning' } },
  options: {},
  examples: ['keruta task retry 3f2a'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const { id } = await findTask(context, client, values.task);
    const task = await client.tasks.retry(id, { signal: context.signal });
    if (context.json) await printJson(context, task);
    else await context.stdout.write(`task ${shortId(id)} waits for its turn again\n`);
    return 0;
  },
});
