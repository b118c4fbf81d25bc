import type { ApiClient } from '../../../internal/api/client/client.ts';
import { NotFoundError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { findTask } from './find.ts';
import { printFields, printJson, taskFields } from './print.ts';

/** `keruta task show` */
export const taskShow = command({
  name: 'task show',
  summary:
    'Shows one task: why it was made, how its phases and attempts went, what it used and cost, its open questions.',
  positionals: { task: { doc: 'id, or at least 4 characters of its beginning' } },
  options: {},
  examples: ['keruta task show 3f2a', 'keruta task show 3f2a --json'],
  run: async (context, values) => {
    const { attemptFields, costFields, decisionFields } = await import('./task-record.ts');
    const { waitFields } = await import('./wait-fields.ts');
    const { readResult, storyFields, wishFields } = await import('./story-fields.ts');
    const client = await context.makeClient();
    const found = await findTask(context, client, values.task);
    const task = await client.tasks.get(found.id, { signal: context.signal });
    const isWaiting = task.status === 'WAITING_FOR_INPUT';
    const asked = isWaiting ? await client.tasks.inputRequests(task.id, { signal: context.signal }) : [];
    const open = asked.filter((request) => request.state === 'open');
    const { occurrence, costs, attempts } = await recordOf(client, task.id, context.signal);
    const result = await readResult(client, task, context.signal);
    if (context.json) {
      const record = { openQuestions: open, occurrence, costs, attempts };
      await printJson(context, { ...task, ...record, ...(task.kind === 'script' ? {} : { result }) });
      return 0;
    }
    const questions = open.map((request) => ['question', request.prompt || '(its stdin)'] as const);
    await printFields(context, [
      ...taskFields(context, task),
      ...wishFields(task),
      ...(await waitFields(client, task, context.signal)),
      ...decisionFields(occurrence),
      ...storyFields(result),
      ...costFields(costs),
      ...attemptFields(task, attempts),
      ...questions,
    ]);
    return 0;
  },
});

/** What is on record about a task; null where the server, an older one, cannot tell. */
async function recordOf(client: ApiClient, id: string, signal: AbortSignal) {
  const [occurrence, costs, attempts] = await Promise.all([
    client.tasks.occurrence(id, { signal }),
    orNull(client.governance.costs(id, { signal })),
    orNull(client.attempts.list(id, { signal })),
  ]);
  return { occurrence, costs, attempts };
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}
