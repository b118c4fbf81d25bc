/**
 * The fence: every write that speaks for an attempt passes here, so that an attempt which was replaced, or which has
 * finished, changes nothing any more. A lost attempt passes: its agent may come back with the true end.
 */
import { type Attempt, defaultTiming, type LeaseTiming } from '../domain/attempt.ts';
import { ConflictError, DeniedError, NotFoundError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Reads, Transaction } from '../store/store.ts';
import { visibleTask } from './authorize.ts';
import type { Caller, SessionParts } from './parts.ts';

/** One attempt, and who speaks for it. */
export interface AttemptRef {
  readonly caller: Caller;
  readonly taskId: string;
  readonly number: number;
}

/** A task inside a transaction that holds its session. */
export interface HeldTask {
  readonly task: Task;
  /** `store.now()`; epoch ms */
  readonly now: number;
  /** `store.leaseNow()`; ms */
  readonly leaseNow: number;
  readonly timing: LeaseTiming;
}

/** An attempt inside a transaction that holds its session. */
export interface HeldAttempt extends HeldTask {
  readonly attempt: Attempt;
}

/**
 * Does some writing on a task that the caller may see, with its session locked and its row fresh.
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND, also when the caller may not see it
 */
export async function onTask<T>(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
  work: (tx: Transaction, held: HeldTask) => Promise<T>,
): Promise<T> {
  const seen = await visibleTask(parts.store, ref.caller, ref.taskId);
  const now = await parts.store.now();
  const leaseNow = await parts.store.leaseNow();
  return parts.store.transact(async (tx) => {
    await tx.lockSession(seen.sessionId);
    const task = await visibleTask(tx, ref.caller, ref.taskId);
    return work(tx, { task, now, leaseNow, timing: parts.timing ?? defaultTiming });
  });
}

/**
 * Does some writing for an attempt. The fence is checked inside the transaction.
 * @param ref.settled true: an attempt that has finished passes too, for answers that are repeated
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED
 * @throws {DeniedError} KERUTA_ERR_FORBIDDEN for the token of another attempt
 */
export function onAttempt<T>(
  parts: SessionParts,
  ref: AttemptRef & { readonly settled?: boolean },
  work: (tx: Transaction, held: HeldAttempt) => Promise<T>,
): Promise<T> {
  return onTask(parts, ref, async (tx, held) => {
    const attempt = await attemptFor(tx, ref, held.task);
    if (!(ref.settled && attempt.state === 'finished')) fence(held.task, attempt);
    return work(tx, { ...held, attempt });
  });
}

/** Reads an attempt for somebody who wants to write to it, with the fence; outside any transaction. */
export async function fencedAttempt(
  parts: SessionParts,
  ref: AttemptRef,
): Promise<{ readonly task: Task; readonly attempt: Attempt }> {
  const task = await visibleTask(parts.store, ref.caller, ref.taskId);
  const attempt = await attemptFor(parts.store, ref, task);
  fence(task, attempt);
  return { task, attempt };
}

/** Finds an attempt and checks that the caller may speak for it; no fence. */
export async function attemptFor(reads: Reads, ref: AttemptRef, task: Task): Promise<Attempt> {
  const { caller, number } = ref;
  if (caller.attempt !== null && caller.attempt !== number) {
    throw new DeniedError(
      'KERUTA_ERR_FORBIDDEN',
      `this token speaks for attempt ${caller.attempt} of task ${task.id}, not for attempt ${number}`,
    );
  }
  const attempt = await reads.attempt(task.id, number);
  if (attempt) return attempt;
  throw new NotFoundError(
    'KERUTA_ERR_ATTEMPT_NOT_FOUND',
    `task ${task.id} has no attempt ${number}; its newest is ${task.attempt}`,
  );
}

/** @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED when the attempt may not write any more */
export function fence(task: Task, attempt: Attempt): void {
  const over = attempt.state === 'finished' || attempt.state === 'superseded';
  if (!over && attempt.number === task.attempt) return;
  const why = over ? `it is ${attempt.state}` : `attempt ${task.attempt} has replaced it`;
  throw new ConflictError(
    'KERUTA_ERR_ATTEMPT_SUPERSEDED',
    `attempt ${attempt.number} of task ${task.id} takes no more writes: ${why}`,
    { details: { attempt: attempt.number, newest: task.attempt, state: attempt.state } },
  );
}
