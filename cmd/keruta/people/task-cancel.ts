import { command } from '../command.ts';
import { findTask } from './find.ts';
import { printJson, shortId } from './print.ts';

/** `keruta task cancel` */
export const taskCancel = command({
  name: 'task cancel',
  summary: 'Asks for a task to be cancelled; a script that runs gets time to end by itself.',
  positionals: { task: { doc: 'id, or at least 4 characters of its beginning' } },
  options: {},
  examples: ['keruta task cancel 3f2a'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const { id } = await findTask(context, client, values.task);
    const task = await client.tasks.cancel(id, { signal: context.signal });
    if (context.json) await printJson(context, task);
    else await context.stdout.write(`task ${shortId(id)} is being cancelled\n`);
    return 0;
  },
});
