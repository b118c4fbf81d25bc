import { type Failure, type FixRefusal, fixKey, fixOf, refuseFix } from '../domain/fix.ts';
import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { submitTaskIn } from './submit.ts';

/** A fix task that is wanted for the newest attempt of a task. */
export interface FixWish {
  readonly parts: SessionParts;
  readonly task: Task;
  readonly failure: Failure;
  /** what the fix runs; null = the same script again */
  readonly script: string | null;
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
  const newTask = fixOf(task, failure, wish.script);
  const made = await submitTaskIn(tx, { parts, caller: systemCaller, newTask, now, idempotencyKey });
  return { task: made.task, refusal: null, created: true };
}
