import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import type { SessionParts } from './parts.ts';

/** What follows when a task has ended and is not run again by itself; in the transaction that ends it. */
export async function followEnd(
  _tx: Transaction,
  _parts: SessionParts,
  _ended: { readonly task: Task; readonly now: number },
): Promise<void> {}
