import { ConflictError, NotFoundError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import { isActive, isEnded } from '../domain/task-status.ts';
import type { Transaction } from '../store/store.ts';
import { visibleTask } from './authorize.ts';
import { onTask } from './fence.ts';
import { endReport } from './github-report.ts';
import { settleNeeds } from './needs.ts';
import type { Caller, SessionParts } from './parts.ts';
import { auditTask, putAndTell } from './put-task.ts';
import { rememberKey, removeBytes } from './removals.ts';
import { checkScript } from './submit.ts';

/** What may be changed of a task; absent = as it is. */
export interface TaskEdit {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly script?: string | undefined;
}

/**
 * Changes words of a task. A script that an attempt is running is what was claimed; a new one serves the next attempt.
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND
 * @throws {InputError} KERUTA_ERR_SCRIPT_TOO_LARGE, KERUTA_ERR_BAD_VALUE
 */
export async function editTask(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
  edit: TaskEdit,
): Promise<Task> {
  if (edit.script !== undefined) checkScript(edit.script);
  return onTask(parts, ref, async (tx, { task, now }) => {
    const { name = task.name, description = task.description, script = task.script } = edit;
    await auditTask(tx, { parts, caller: ref.caller, action: 'task.edit', task, now });
    return putAndTell(tx, { ...task, name, description, script }, now);
  });
}

/**
 * Removes a task, its logs and its bytes. One that is not there (any more) is no error.
 * @throws {ConflictError} KERUTA_ERR_TRANSITION while an agent runs it: it is cancelled first
 */
export async function deleteTask(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
): Promise<void> {
  const seen = await visibleTask(parts.store, ref.caller, ref.taskId).catch((error: unknown) => {
    if (error instanceof NotFoundError) return null;
    throw error;
  });
  if (seen === null) return;
  const now = await parts.store.now();
  await parts.store.transact(async (tx) => {
    await tx.lockSession(seen.sessionId);
    const task = await tx.task(seen.id);
    if (task === null) return;
    const attempt = task.attempt > 0 ? await tx.attempt(task.id, task.attempt) : null;
    if (isActive(task.status) && attempt !== null && attempt.leaseUntil !== null) {
      throw new ConflictError(
        'KERUTA_ERR_TRANSITION',
        `Task ${task.id} is ${task.status}: an agent runs it; cancel it first, then delete it.`,
        { details: { status: task.status } },
      );
    }
    await auditTask(tx, { parts, caller: ref.caller, action: 'task.delete', task, now });
    if (!isEnded(task.status)) await endReport(tx, { task: { ...task, status: 'CANCELLED' }, now });
    await removeTask(tx, task, now);
  });
  await removeBytes(parts, [seen.id]);
}

/** Removes the rows of a task whose session is locked; its bytes are the caller's to remove, with `removeBytes`. */
export async function removeTask(tx: Transaction, task: Task, now: number): Promise<void> {
  await settleNeeds(tx, { task, now, isGone: true });
  await rememberKey(tx, task.id, now);
  await tx.deleteTask(task.id);
  await tx.insertRemovals([task.id], now);
  tx.notify(`session:${task.sessionId}`);
}
