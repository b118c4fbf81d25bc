import { type Attempt, defaultTiming } from '../domain/attempt.ts';
import { isActive } from '../domain/task-status.ts';
import type { Transaction } from '../store/store.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { auditTask, putAndTell } from './put-task.ts';

/** How often leases are looked at; ms. */
export const sweepEveryMs = 5_000;

/**
 * Marks every attempt whose lease ran out as lost, and its task as LOST when the end of the run is not known. Nothing
 * is deleted and nothing is run again: the same attempt may still come back. Safe on several servers at once.
 *
 * @returns how many attempts were marked
 */
export async function sweep(parts: SessionParts): Promise<number> {
  const { store } = parts;
  const expired = await store.expiredAttempts(await store.leaseNow());
  let marked = 0;
  for (const attempt of expired) if (await markLost(parts, attempt)) marked += 1;
  return marked;
}

/**
 * Sweeps every `sweepEveryMs` until the signal is aborted. First gives every lease the boot grace, because agents could
 * not renew while the server was away.
 */
export async function startSweep(parts: SessionParts, signal: AbortSignal): Promise<void> {
  const { store, clock, log } = parts;
  const until = (await store.leaseNow()) + (parts.timing ?? defaultTiming).bootGraceMs;
  await store.transact((tx) => tx.extendLeases(until));
  while (!signal.aborted) {
    try {
      await clock.sleep(sweepEveryMs, signal);
      await sweep(parts);
    } catch (error) {
      if (signal.aborted) return;
      log.warn('the sweep of leases failed; it is tried again', { error });
    }
  }
}

async function markLost(parts: SessionParts, expired: Attempt): Promise<boolean> {
  const { store } = parts;
  const seen = await store.task(expired.taskId);
  if (!seen) return false;
  const now = await store.now();
  const leaseNow = await store.leaseNow();
  return store.transact(async (tx) => {
    await tx.lockSession(seen.sessionId);
    const attempt = await tx.attempt(expired.taskId, expired.number);
    if (attempt?.state !== 'claimed' && attempt?.state !== 'exited') return false;
    if (attempt.leaseUntil === null || attempt.leaseUntil >= leaseNow) return false;
    await tx.putAttempt({ ...attempt, state: 'lost' });
    await loseTask(tx, { parts, attempt, now });
    tx.notify(`session:${seen.sessionId}`);
    return true;
  });
}

async function loseTask(
  tx: Transaction,
  { parts, attempt, now }: { readonly parts: SessionParts; readonly attempt: Attempt; readonly now: number },
): Promise<void> {
  const task = await tx.task(attempt.taskId);
  if (!task || task.attempt !== attempt.number || !isActive(task.status)) return;
  const lost = await putAndTell(
    tx,
    {
      ...task,
      status: 'LOST',
      reason: 'lost_lease',
      message: `its agent ${attempt.agentId} has not been heard of; the run may still be going`,
    },
    now,
  );
  await auditTask(tx, {
    parts,
    caller: systemCaller,
    action: 'task.lost',
    task: lost,
    now,
    details: { agentId: attempt.agentId },
  });
}
