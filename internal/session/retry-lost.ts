import { type Attempt, defaultTiming } from '../domain/attempt.ts';
import { decideRetry, type RetryDecision } from '../domain/retry.ts';
import { isClosed } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import type { Reads, Transaction } from '../store/store.ts';
import { countLost } from './count-lost.ts';
import { giveUpLost } from './give-up-lost.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { auditTask, putAndTell } from './put-task.ts';
import { recordRetry } from './record-step.ts';
import { holdsAsLost, type LeaseMoment } from './slot.ts';

/**
 * Gives up attempts that have been lost for longer than their hold, where the rule of their task says that lost runs are
 * repeated: the task goes back into the queue. Without such a rule it stays LOST until somebody decides.
 */
export async function retryLost(parts: SessionParts): Promise<void> {
  const { store, timing = defaultTiming } = parts;
  const leaseNow = await store.leaseNow();
  for (const attempt of await store.lostAttempts(leaseNow - timing.lostHoldMs)) {
    const moment = { leaseNow, timing, now: await store.now() };
    const seen = await store.task(attempt.taskId);
    // most have used up their repetitions, and need no transaction to see that
    if (seen === null || (await decide(store, parts, { ref: attempt, ...moment })) === null) continue;
    await store.transact(async (tx) => {
      await tx.lockSession(seen.sessionId);
      const found = await decide(tx, parts, { ref: attempt, ...moment });
      if (found !== null) await giveUp(tx, parts, { ...found, now: moment.now });
    });
  }
}

interface Found {
  readonly task: Task;
  readonly attempt: Attempt;
  readonly decision: RetryDecision;
}

async function decide(
  reads: Reads,
  parts: SessionParts,
  { ref, now, ...lease }: LeaseMoment & { readonly ref: Attempt; readonly now: number },
): Promise<Found | null> {
  const task = await reads.task(ref.taskId);
  const attempt = await reads.attempt(ref.taskId, ref.number);
  if (task?.status !== 'LOST' || attempt?.state !== 'lost' || holdsAsLost(attempt, lease)) return null;
  if (task.attempt !== attempt.number || task.cancelRequested) return null;
  const session = await reads.session(task.sessionId);
  if (session === null || isClosed(session.status)) return null;
  const { retry: rule, retryCount, retriesUsed, createdAt } = task;
  const lostRuns = (await countLost(reads, task.id)) + 1;
  const state = { rule, retryCount, retriesUsed, createdAt, lostRuns, askedMs: 0, now };
  const decision = decideRetry({ ...state, endClass: 'lost', fraction: parts.random.fraction() });
  return decision === null ? null : { task, attempt, decision };
}

async function giveUp(
  tx: Transaction,
  parts: SessionParts,
  { task, attempt, decision, now }: Found & { readonly now: number },
): Promise<void> {
  await giveUpLost(tx, parts, { task, attempt, now, endReason: 'lost_lease' });
  const details = { agentId: attempt.agentId, reason: 'lost' };
  await auditTask(tx, { parts, caller: systemCaller, action: 'task.retry', task, now, details });
  await putAndTell(tx, { ...task, status: 'PENDING', notBefore: decision.notBefore }, now);
  await recordRetry(tx, parts, { task, now });
}
