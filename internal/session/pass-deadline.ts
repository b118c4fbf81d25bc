import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { followEnd } from './follow-end.ts';
import type { SessionParts } from './parts.ts';
import { putAndTell } from './put-task.ts';

/** Ends a task that waits although its deadline has passed. */
export async function passDeadline(
  tx: Transaction,
  parts: SessionParts,
  { task, now }: { readonly task: Task; readonly now: number },
): Promise<void> {
  const message = 'its deadline passed before it could be run (again)';
  const failed = { status: 'FAILED', reason: 'timeout', errorCode: 'DEADLINE', message } as const;
  const ended = await putAndTell(tx, { ...task, ...failed, notBefore: null, finishedAt: now }, now);
  await followEnd(tx, parts, { task: ended, now });
}
