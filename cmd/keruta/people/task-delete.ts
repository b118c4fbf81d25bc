import { command } from '../command.ts';
import { findTask } from './find.ts';
import { printJson, shortId } from './print.ts';

/** `keruta task delete` */
export const taskDelete = command({
  name: 'task delete',
  summary: 'Deletes a task that has ended, with its logs and artifacts. There is no way back.',
  positionals: { task: { doc: 'id, or at least 4 characters of its beginning' } },
  options: {},
  examples: ['keruta task delete 3f2a'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const { id } = await findTask(context, client, values.task);
    await client.tasks.delete(id, { signal: context.signal });
    if (context.json) await printJson(context, { id, deleted: true });
    else await context.stdout.write(`task ${shortId(id)} is deleted\n`);
    return 0;
  },
});
