import type { Attempt } from '../domain/attempt.ts';
import { ConflictError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import { isEnded } from '../domain/task-status.ts';
import type { Transaction } from '../store/store.ts';
import { type HeldTask, onTask } from './fence.ts';
import { followEnd } from './follow-end.ts';
import { giveUpLost } from './give-up-lost.ts';
import { closeRequests } from './open-requests.ts';
import type { Caller, SessionParts } from './parts.ts';
import { auditTask, putAndTell } from './put-task.ts';

/**
 * Cancels a task. One that nobody runs, that a plain client runs, or that is LOST is CANCELLED at once; one with an
 * agent is marked, and the agent learns it by its lease and ends the run. Said again while that lasts, it changes
 * nothing.
 *
 * @throws {ConflictError} KERUTA_ERR_TASK_ENDED
 */
export async function cancelTask(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
): Promise<Task> {
  return onTask(parts, ref, async (tx, held) => {
    const { task } = held;
    if (isEnded(task.status)) {
      throw new ConflictError(
        'KERUTA_ERR_TASK_ENDED',
        `task ${task.id} is ${task.status} already; there is nothing to cancel`,
        { details: { status: task.status } },
      );
    }
    return cancelTaskIn(tx, { parts, caller: ref.caller }, held);
  });
}

/** Cancels a task that has not ended, inside a transaction that holds its session. */
export async function cancelTaskIn(
  tx: Transaction,
  { parts, caller }: { readonly parts: SessionParts; readonly caller: Caller },
  held: Pick<HeldTask, 'task' | 'now'>,
): Promise<Task> {
  const { task, now } = held;
  if (task.cancelRequested && task.status !== 'LOST') return task;
  await auditTask(tx, { parts, caller, action: 'task.cancel', task, now });
  const attempt = task.status === 'PENDING' ? null : await tx.attempt(task.id, task.attempt);
  const reachable = attempt !== null && attempt.leaseUntil !== null && task.status !== 'LOST';
  if (reachable) return putAndTell(tx, { ...task, cancelRequested: true }, now);
  const cancelled = await cancelAtOnce(tx, parts, { ...held, attempt });
  await followEnd(tx, parts, { task: cancelled, now });
  return cancelled;
}

async function cancelAtOnce(
  tx: Transaction,
  parts: SessionParts,
  { task, now, attempt }: Pick<HeldTask, 'task' | 'now'> & { readonly attempt: Attempt | null },
): Promise<Task> {
  const hasOverspent = ((await tx.reservation(task.id))?.exceededAt ?? null) !== null;
  const reason = hasOverspent ? 'cost_limit' : 'cancel';
  if (attempt !== null) {
    if (task.status === 'LOST') await giveUpLost(tx, parts, { task, attempt, now, endReason: reason });
    else {
      await tx.putAttempt({ ...attempt, state: 'finished', endReason: reason, finishedAt: now });
      await closeRequests(tx, task, { number: attempt.number, now });
    }
    await tx.expireTaskTokens(task.id, now);
  }
  const logComplete = task.status !== 'LOST';
  return putAndTell(
    tx,
    {
      ...task,
      status: 'CANCELLED',
      reason,
      notBefore: null,
      cancelRequested: true,
      logComplete,
      finishedAt: now,
    },
    now,
  );
}
