import { ConflictError } from '../domain/errors.ts';
import type { Reads, Transaction } from '../store/store.ts';
import { keysKeptMs } from './once-per-key.ts';
import type { SessionParts } from './parts.ts';

/** Bytes of a task that is gone are looked for once more so long after: something may have been on its way. ms */
const lookAgainMs = 600_000;
/** So many are forgotten in one transaction. */
const maxAtOnce = 100;

/**
 * Removes bytes of tasks whose rows are gone, and whose removal is on record. What cannot be removed now, or comes later, is
 * removed by {@link sweepRemovals}.
 */
export async function removeBytes({ blob, log }: SessionParts, taskIds: readonly string[]): Promise<void> {
  for (const taskId of taskIds) {
    await blob.deleteAll(`${taskId}/`).catch((error: unknown) => {
      log.warn('what a removed task left could not be removed; it is tried again', { task: taskId, error });
    });
  }
}

/** Removes what is left of tasks that were removed some time ago, and forgets them. @returns how many */
export async function sweepRemovals({ store, blob }: SessionParts, signal: AbortSignal): Promise<number> {
  const before = (await store.now()) - lookAgainMs;
  for (let swept = 0; ; ) {
    const taskIds = await store.removals(before, maxAtOnce);
    for (const taskId of taskIds) await blob.deleteAll(`${taskId}/`);
    if (taskIds.length > 0) await store.transact((tx) => tx.deleteRemovals(taskIds));
    swept += taskIds.length;
    if (taskIds.length < maxAtOnce || signal.aborted) return swept;
  }
}

/** Remembers the key of a task that is removed: whoever asks once more, since the answer was lost, must not have it run twice. */
export async function rememberKey(tx: Transaction, taskId: string, now: number): Promise<void> {
  const key = await tx.idempotencyKeyOf(taskId);
  if (key !== null) await tx.putMeta(removedName(key), taskId, { forgetAt: now + keysKeptMs });
}

/** @throws {ConflictError} KERUTA_ERR_IDEMPOTENCY when the key made a task that was removed since */
export async function refuseRemoved(reads: Reads, key: string): Promise<void> {
  const taskId = await reads.meta(removedName(key));
  if (taskId === null) return;
  throw new ConflictError(
    'KERUTA_ERR_IDEMPOTENCY',
    `The idempotency key made task ${taskId} before, which has ended and was removed; to run it again, use a new key.`,
    { details: { taskId } },
  );
}

function removedName(key: string): string {
  return `removed:${key}`;
}
