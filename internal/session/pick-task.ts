import type { LeaseTiming } from '../domain/attempt.ts';
import { deadlineOf } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { isItsTurn, noteTurn } from './group-turn.ts';
import type { SessionParts } from './parts.ts';
import { passDeadline } from './pass-deadline.ts';

/** Where and when somebody wants a task. */
export interface Picking {
  readonly parts: SessionParts;
  readonly sessionId: string;
  /** `store.now()`; epoch ms */
  readonly now: number;
  /** `store.leaseNow()`; ms */
  readonly leaseNow: number;
  readonly timing: LeaseTiming;
  /** of the agent; empty = it takes any task */
  readonly labels: readonly string[];
}

/**
 * Picks the next task of a session, inside a transaction that holds it. Tasks of a group that is full, or in which it is the
 * turn of other sessions, are passed by: the group is held until the transaction ends, so that two servers never count it at once. A task whose deadline has passed
 * ends here.
 */
export async function pickTask(tx: Transaction, picking: Picking): Promise<Task | null> {
  const { sessionId, now, labels } = picking;
  const outside: string[] = [];
  for (;;) {
    const task = await tx.nextTask({ sessionId, now, outside, labels });
    if (task === null) return null;
    const deadline = deadlineOf(task.retry, task.createdAt);
    if (deadline !== null && deadline <= now) {
      await passDeadline(tx, picking.parts, { task, now });
      continue;
    }
    const { concurrencyGroup: group } = task;
    if (group === null || (await takesPlace(tx, picking, { group, limit: task.concurrencyLimit ?? 1 })))
      return task;
    outside.push(group);
  }
}

/** @returns whether the group has room and it is this session's turn, which is over then */
async function takesPlace(
  tx: Transaction,
  { sessionId, now, leaseNow, timing }: Picking,
  { group, limit }: { readonly group: string; readonly limit: number },
): Promise<boolean> {
  await tx.lockSession(`group ${group}`);
  const places = limit - (await tx.groupLoad(group, leaseNow - timing.lostHoldMs));
  const turn = { group, sessionId, now };
  if (places <= 0 || !(await isItsTurn(tx, turn, places))) return false;
  await noteTurn(tx, turn);
  return true;
}

/** A task as its run sees it: no attempt may go on behind the deadline for all of them. */
export function withinDeadline(task: Task, now: number): Task {
  const deadline = deadlineOf(task.retry, task.createdAt);
  if (deadline === null) return task;
  const leftMs = Math.max(1, deadline - now);
  return { ...task, timeoutMs: Math.min(task.timeoutMs ?? leftMs, leftMs) };
}
