import type { Attempt, LeaseTiming } from '../domain/attempt.ts';
import type { Task } from '../domain/task.ts';
import type { Reads } from '../store/store.ts';

/** An instant of the store's lease time, and how long things hold. */
export interface LeaseMoment {
  readonly leaseNow: number;
  readonly timing: LeaseTiming;
}

/**
 * Finds the attempt that holds the one slot of a session: an open one, else a lost one within its hold.
 * @param at.leaseNow  from `store.leaseNow()`
 * @returns null when the slot is free
 */
export async function findSlotHolder(
  reads: Reads,
  sessionId: string,
  at: LeaseMoment,
): Promise<Attempt | null> {
  const [open] = await reads.openAttempts(sessionId);
  if (open) return open;
  for (const task of await reads.tasks({ sessionId, statuses: ['LOST'] }, 'newest')) {
    const attempt = await reads.attempt(task.id, task.attempt);
    if (attempt && holdsAsLost(attempt, at)) return attempt;
  }
  return null;
}

/**
 * Finds the lost attempts of a session whose hold has passed: their processes may run beside the next task.
 * @returns with their tasks
 */
export async function findReleased(
  reads: Reads,
  sessionId: string,
  at: LeaseMoment,
): Promise<readonly { readonly task: Task; readonly attempt: Attempt }[]> {
  const found = [];
  for (const task of await reads.tasks({ sessionId, statuses: ['LOST'] }, 'newest')) {
    const attempt = await reads.attempt(task.id, task.attempt);
    if (attempt?.state === 'lost' && !holdsAsLost(attempt, at)) found.push({ task, attempt });
  }
  return found;
}

/** Whether a lost attempt still keeps the slot. */
export function holdsAsLost(attempt: Attempt, { leaseNow, timing }: LeaseMoment): boolean {
  return (
    attempt.state === 'lost' &&
    attempt.leaseUntil !== null &&
    attempt.leaseUntil + timing.lostHoldMs > leaseNow
  );
}
