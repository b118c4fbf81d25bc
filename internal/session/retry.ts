import { ConflictError } from '../domain/errors.ts';
import { isClosed } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import type { TaskStatus } from '../domain/task-status.ts';
import { onTask } from './fence.ts';
import { giveUpLost } from './give-up-lost.ts';
import type { Caller, SessionParts } from './parts.ts';
import { auditTask, putAndTell } from './put-task.ts';
import { recordRetry } from './record-step.ts';
import { markRetried } from './retry-mark.ts';

const retryable: readonly TaskStatus[] = ['FAILED', 'CANCELLED', 'LOST'];

/**
 * Puts a task that failed, was cancelled or is LOST back into the queue; the next claim makes its next attempt. A lost
 * attempt is given up by that and frees its session's slot.
 *
 * @throws {ConflictError} KERUTA_ERR_TRANSITION in any other state, KERUTA_ERR_SESSION_CLOSED
 */
export async function retryTask(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
): Promise<Task> {
  return onTask(parts, ref, async (tx, { task, now }) => {
    refuseRetry(task);
    const session = await tx.session(task.sessionId);
    if (session !== null && isClosed(session.status)) {
      throw new ConflictError(
        'KERUTA_ERR_SESSION_CLOSED',
        `session ${session.name} is ${session.status} and runs no more tasks; submit task ${task.id} to another one`,
      );
    }
    if (task.attempt > 0) {
      await markRetried(tx, task.id, task.attempt);
      const attempt = await tx.attempt(task.id, task.attempt);
      if (attempt?.state === 'lost') await giveUpLost(tx, parts, { task, attempt, now });
    }
    await auditTask(tx, { parts, caller: ref.caller, action: 'task.retry', task, now });
    const waiting: Task = {
      ...task,
      status: 'PENDING',
      notBefore: null,
      // the deadline was for what goes on by itself
      retry: task.retry && { ...task.retry, deadlineMs: null },
      message: '',
      progress: 0,
      cancelRequested: false,
      late: false,
      finishedAt: null,
    };
    const again = await putAndTell(tx, waiting, now);
    await recordRetry(tx, parts, { task, now, actor: ref.caller.actor });
    return again;
  });
}

function refuseRetry(task: Task): void {
  if (retryable.includes(task.status)) return;
  throw new ConflictError(
    'KERUTA_ERR_TRANSITION',
    `task ${task.id} is ${task.status}; only one that is ${retryable.join(', ')} can be retried`,
    { details: { status: task.status } },
  );
}
