import type { Task } from '../domain/task.ts';
import type { Page, TaskFilter } from '../store/store.ts';
import { maySeeTask, visibleSession, visibleTask } from './authorize.ts';
import type { Caller, SessionParts } from './parts.ts';
import { readStatus } from './set-status.ts';

/** What a list of tasks is narrowed to; absent = any. */
export interface TaskQuery {
  readonly sessionId?: string | undefined;
  readonly parentTaskId?: string | undefined;
  readonly workspaceId?: string | undefined;
  /** in any dialect and case; empty = any */
  readonly status?: string | undefined;
  /** case-insensitive part of the name */
  readonly name?: string | undefined;
  readonly page?: Page | undefined;
}

/**
 * Lists the tasks that the caller may see.
 * @param order  `queue`: the order in which they run; `newest`: newest first
 * @throws {InputError} KERUTA_ERR_BAD_STATUS
 */
export async function listTasks(
  parts: SessionParts,
  caller: Caller,
  { query, order }: { readonly query: TaskQuery; readonly order: 'queue' | 'newest' },
): Promise<Task[]> {
  const { sessionId = caller.sessionId ?? undefined, parentTaskId, workspaceId, status, name } = query;
  const filter: TaskFilter = {
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(parentTaskId === undefined ? {} : { parentTaskId }),
    ...(workspaceId === undefined ? {} : { workspaceId }),
    ...(status ? { statuses: [readStatus(status)] } : {}),
  };
  // what is filtered here and not by the store cannot be paged by it
  const here = name !== undefined || caller.taskId !== null;
  const tasks = await parts.store.tasks(filter, order, here ? undefined : query.page);
  if (!here) return tasks.filter((task) => maySeeTask(caller, task));
  const part = name?.toLowerCase() ?? '';
  const found = tasks.filter((task) => maySeeTask(caller, task) && task.name.toLowerCase().includes(part));
  const { offset = 0, limit = found.length } = query.page ?? {};
  return found.slice(offset, offset + limit);
}

/** Lists the tasks of one session. @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND */
export async function listSessionTasks(
  parts: SessionParts,
  caller: Caller,
  list: { readonly query: TaskQuery & { readonly sessionId: string }; readonly order: 'queue' | 'newest' },
): Promise<Task[]> {
  const session = await visibleSession(parts.store, caller, list.query.sessionId);
  return listTasks(parts, caller, { ...list, query: { ...list.query, sessionId: session.id } });
}

/** Lists the subtasks of a task, in the order in which they run. @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND */
export async function listSubtasks(
  parts: SessionParts,
  caller: Caller,
  parentTaskId: string,
): Promise<Task[]> {
  await visibleTask(parts.store, caller, parentTaskId);
  return listTasks(parts, caller, { query: { parentTaskId }, order: 'queue' });
}
