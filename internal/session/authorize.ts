/**
 * What a caller may see. A thing that is not there and a thing of somebody else give the same answer, so that nobody
 * learns from ids.
 */
import { ConflictError, DeniedError, NotFoundError } from '../domain/errors.ts';
import type { Session } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import type { Reads } from '../store/store.ts';
import type { Caller } from './parts.ts';

/**
 * Finds a session that the caller may see.
 * @param id  the session's id, or the id behind `session-`, as workspaces name themselves
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND
 */
export async function visibleSession(reads: Reads, caller: Caller, id: string): Promise<Session> {
  const prefix = 'session-';
  const session =
    (await reads.session(id)) ??
    (id.startsWith(prefix) ? await reads.session(id.slice(prefix.length)) : null);
  if (session === null || !maySeeSession(caller, session.id)) throw sessionNotFound(id);
  return session;
}

/**
 * Finds a task that the caller may see.
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND
 */
export async function visibleTask(reads: Reads, caller: Caller, id: string): Promise<Task> {
  const task = await reads.task(id);
  if (task === null || !maySeeTask(caller, task)) throw taskNotFound(id);
  return task;
}

/**
 * Finds a task that the caller may write to: visible, and, for the token of a run, still in that run's attempt.
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED
 */
export async function writableTask(reads: Reads, caller: Caller, id: string): Promise<Task> {
  const task = await visibleTask(reads, caller, id);
  refuseSuperseded(caller, task);
  return task;
}

/**
 * Refuses the token of a run that another attempt has replaced.
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED
 */
export function refuseSuperseded(caller: Caller, task: Task): void {
  if (caller.attempt === null || caller.attempt === task.attempt) return;
  throw new ConflictError(
    'KERUTA_ERR_ATTEMPT_SUPERSEDED',
    `Task ${task.id} is at attempt ${task.attempt}; the token is one of attempt ${caller.attempt}, whose writes are refused.`,
    { details: { attempt: task.attempt } },
  );
}

/** Whether the caller may see the session. */
export function maySeeSession(caller: Caller, sessionId: string): boolean {
  return caller.sessionId === null || caller.sessionId === sessionId;
}

/** Whether the caller may see the task. */
export function maySeeTask(caller: Caller, task: Task): boolean {
  return maySeeSession(caller, task.sessionId) && (caller.taskId === null || caller.taskId === task.id);
}

/**
 * Refuses callers that are bound to one session, for things that belong to none.
 * @param what  names the thing, e.g. `documents`
 * @throws {DeniedError} KERUTA_ERR_FORBIDDEN
 */
export function requireUnbound(caller: Caller, what: string): void {
  if (caller.sessionId === null) return;
  throw new DeniedError(
    'KERUTA_ERR_FORBIDDEN',
    `The token is bound to one session and does not cover ${what}; use an admin or read-only token.`,
  );
}

/** The answer to a session id that leads nowhere. */
export function sessionNotFound(id: string): NotFoundError {
  return new NotFoundError(
    'KERUTA_ERR_SESSION_NOT_FOUND',
    `There is no session ${shortened(id)}; \`keruta session list\` shows those that exist.`,
  );
}

/** The answer to a task id that leads nowhere. */
export function taskNotFound(id: string): NotFoundError {
  return new NotFoundError(
    'KERUTA_ERR_TASK_NOT_FOUND',
    `There is no task ${shortened(id)}; \`keruta task list\` shows those that exist.`,
  );
}

function shortened(id: string): string {
  return JSON.stringify(id.length > 80 ? `${id.slice(0, 80)}…` : id);
}
