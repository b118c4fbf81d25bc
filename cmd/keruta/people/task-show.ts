import { command } from '../command.ts';
import { findTask } from './find.ts';
import { printFields, printJson, taskFields } from './print.ts';
import { usageFields } from './usage-fields.ts';

/** `keruta task show` */
export const taskShow = command({
  name: 'task show',
  summary: 'Shows one task, with what it used and its open questions.',
  positionals: { task: { doc: 'id, or at least 4 characters of its beginning' } },
  options: {},
  examples: ['keruta task show 3f2a', 'keruta task show 3f2a --json'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const found = await findTask(context, client, values.task);
    const task = await client.tasks.get(found.id, { signal: context.signal });
    const isWaiting = task.status === 'WAITING_FOR_INPUT';
    const asked = isWaiting ? await client.tasks.inputRequests(task.id, { signal: context.signal }) : [];
    const open = asked.filter((request) => request.state === 'open');
    if (context.json) {
      await printJson(context, { ...task, openQuestions: open });
      return 0;
    }
    const questions = open.map((request) => ['question', request.prompt || '(its stdin)'] as const);
    await printFields(context, [...taskFields(context, task), ...usageFields(task.usage), ...questions]);
    return 0;
  },
});
