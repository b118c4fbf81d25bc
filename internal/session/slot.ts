import type { Attempt } from '../domain/attempt.ts';
import type { Reads } from '../store/store.ts';

/** For how long after its lease ran out a lost attempt keeps its session's slot: its process may still run; ms. */
export const lostHoldMs = 30 * 60_000;

/**
 * Finds the attempt that holds the one slot of a session: an open one, else a lost one within its hold.
 * @param leaseNow from `store.leaseNow()`
 * @returns null when the slot is free
 */
export async function findSlotHolder(
  reads: Reads,
  sessionId: string,
  leaseNow: number,
): Promise<Attempt | null> {
  const [open] = await reads.openAttempts(sessionId);
  if (open) return open;
  for (const task of await reads.tasks({ sessionId, statuses: ['LOST'] }, 'newest')) {
    const attempt = await reads.attempt(task.id, task.attempt);
    if (attempt && holdsAsLost(attempt, leaseNow)) return attempt;
  }
  return null;
}

/** Whether a lost attempt still keeps the slot. */
export function holdsAsLost(attempt: Attempt, leaseNow: number): boolean {
  return (
    attempt.state === 'lost' && attempt.leaseUntil !== null && attempt.leaseUntil + lostHoldMs > leaseNow
  );
}
