import { classOf, decideRetry } from '../domain/retry.ts';
import { isClosed } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { countLost } from './count-lost.ts';
import type { SessionParts } from './parts.ts';
import { putAndTell } from './put-task.ts';
import { recordRetry } from './record-step.ts';

/**
 * Puts a task that just ended back into the queue when its rule says so; the next claim makes its next attempt. The end
 * stays on the task until then, so that people see why it is tried again.
 *
 * @returns whether it did
 */
export async function retryByItself(
  tx: Transaction,
  parts: SessionParts,
  {
    task,
    askedMs,
    now,
  }: {
    readonly task: Task;
    /** least time to wait, as the run said; ms; 0 = nothing was said */
    readonly askedMs: number;
    readonly now: number;
  },
): Promise<boolean> {
  if (task.status !== 'FAILED' || task.cancelRequested) return false;
  const endClass = classOf({ ...task, status: task.status }, task.retry);
  const decision = decideRetry({
    rule: task.retry,
    endClass,
    retryCount: task.retryCount,
    retriesUsed: task.retriesUsed,
    lostRuns: endClass === 'lost' ? await countLost(tx, task.id) : 0,
    createdAt: task.createdAt,
    askedMs,
    now,
    fraction: parts.random.fraction(),
  });
  if (decision === null) return false;
  const session = await tx.session(task.sessionId);
  if (session === null || isClosed(session.status)) return false;
  const retriesUsed = task.retriesUsed + (decision.counts ? 1 : 0);
  const { notBefore } = decision;
  await putAndTell(tx, { ...task, status: 'PENDING', retriesUsed, notBefore, finishedAt: null }, now);
  await recordRetry(tx, parts, { task, now });
  return true;
}
