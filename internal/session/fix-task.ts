import {
  defaultFixesPerHour,
  type Failure,
  type FixRefusal,
  type FixWay,
  fixKey,
  fixOf,
  refuseFix,
  withinTheHour,
} from '../domain/fix.ts';
import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { auditTask } from './put-task.ts';
import { submitTaskIn } from './submit.ts';

/** A fix task that is wanted for the newest attempt of a task. */
export interface FixWish {
  readonly parts: SessionParts;
  readonly task: Task;
  readonly failure: Failure;
  readonly way: FixWay;
  /** epoch ms */
  readonly now: number;
}

/** What became of the wish: the task, or why there is none. */
export type FixMade =
  | { readonly task: Task; readonly refusal: null; readonly created: boolean }
  | { readonly task: null; readonly refusal: FixRefusal };

/**
 * Makes the fix task of a failure, once per attempt whoever asks for it and in whatever words.
 * @throws {ConflictError} KERUTA_ERR_SESSION_CLOSED
 */
export async function makeFixTask(tx: Transaction, wish: FixWish): Promise<FixMade> {
  const { parts, task, failure, now } = wish;
  const idempotencyKey = fixKey(task.id, task.attempt);
  const known = await tx.taskByIdempotencyKey(idempotencyKey);
  if (known) return { task: known.task, refusal: null, created: false };
  const refusal = refuseFix(task, failure);
  if (refusal !== null) return { task: null, refusal };
  if (!(await countFix(tx, wish))) return { task: null, refusal: 'TOO_MANY_IN_AN_HOUR' };
  const newTask = fixOf(task, failure, wish.way);
  const made = await submitTaskIn(tx, { parts, caller: systemCaller, newTask, now, idempotencyKey });
  return { task: made.task, refusal: null, created: true };
}

/** Counts one more fix task of the session. @returns false when the hour has had its share; it is on record then */
async function countFix(tx: Transaction, { parts, task, now }: FixWish): Promise<boolean> {
  const name = `fixes:${task.sessionId}`;
  const before = JSON.parse((await tx.meta(name)) ?? '[]') as number[];
  const recent = withinTheHour(before, now);
  const limit = parts.maxFixesPerHour ?? defaultFixesPerHour;
  if (recent.length >= limit) {
    const details = { limit, attempt: task.attempt };
    await auditTask(tx, { parts, caller: systemCaller, action: 'fix.too_many', task, now, details });
    return false;
  }
  await tx.putMeta(name, JSON.stringify([...recent, now]));
  return true;
}
