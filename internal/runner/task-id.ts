import { createHash } from 'node:crypto';
import type { TaskContext } from '../domain/task-context.ts';
import type { RunnerTask } from './runner.ts';

const maxNameChars = 60;

/**
 * Makes the id of a task that has none of the session API. The same task has the same one each time, so that its branch is known
 * again: what it is called where it was written down counts, else everything that is wanted.
 * @returns `3f2a9c01d2e4-1.1`: a hash, which names the branch, and the name it has for people. Pure
 */
export function taskIdOf(context: TaskContext, repositoryUrl: string | null): string {
  const { taskId, specName, title } = context;
  const what = taskId === null ? context : { specName, taskId };
  // the order of keys is that of the shape, whoever wrote them
  const hash = createHash('sha256').update(JSON.stringify([repositoryUrl, what]));
  const name = (taskId ?? title)
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._]+/g, '-')
    .slice(0, maxNameChars)
    .replace(/^[-.]+|[-.]+$/g, '');
  return `${hash.digest('hex').slice(0, 12)}${name === '' ? '' : `-${name}`}`;
}

/** What a task is called where it was written down, and so by services that are not ours: its `task_id`, else its id. */
export function nameOutside({ context, id }: Pick<RunnerTask, 'context' | 'id'>): string {
  return context.taskId ?? id;
}
