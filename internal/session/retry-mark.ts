import type { Reads, Transaction } from '../store/store.ts';

/**
 * Remembers that a person asked for a retry of a task whose newest attempt is `number`: that attempt's end no longer
 * decides about the task, and the next attempt is told apart from an automatic retry.
 */
export async function markRetried(tx: Transaction, taskId: string, number: number): Promise<void> {
  await tx.putMeta(`retry:${taskId}`, String(number), { taskId });
}

/** Whether a person asked for a retry since this attempt was made. */
export async function wasRetried(reads: Reads, taskId: string, number: number): Promise<boolean> {
  return (await reads.meta(`retry:${taskId}`)) === String(number);
}
