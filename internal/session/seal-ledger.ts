import { sealRows } from '../domain/ledger-chain.ts';
import type { Transaction } from '../store/store.ts';
import type { SessionParts } from './parts.ts';

/** Rows of the ledger that are read or sealed at once, when nothing else is set. */
export const defaultLedgerBatch = 100;

/** @see SessionParts.ledgerBatch */
export function ledgerBatchOf({ ledgerBatch = defaultLedgerBatch }: SessionParts): number {
  return ledgerBatch;
}

/** Batches that are written in one transaction: one flush of the disk serves them all, and others wait for them. */
const batchesAtOnce = 10;

/**
 * Puts everything that waits into the chain, in batches. Of several servers one does it; the others find nothing to do.
 * @returns how many rows were sealed
 */
export async function sealLedger(parts: SessionParts, signal: AbortSignal): Promise<number> {
  const { store } = parts;
  const batch = ledgerBatchOf(parts);
  for (let sealed = 0; ; ) {
    // a look without a transaction: mostly nothing waits
    if (signal.aborted || (await store.unsealedLedger(1)).length === 0) return sealed;
    const count = await store.transact(async (tx) => ((await tx.takeLedger()) ? sealSome(tx, batch) : 0));
    sealed += count;
    if (count < batch * batchesAtOnce) return sealed;
  }
}

async function sealSome(tx: Transaction, batch: number): Promise<number> {
  let { head } = await tx.ledgerEnds();
  let sealed = 0;
  for (let done = 0; done < batchesAtOnce; done++) {
    const rows = sealRows(head, await tx.unsealedLedger(batch));
    await tx.sealLedger(rows);
    sealed += rows.length;
    head = rows.at(-1) ?? head;
    if (rows.length < batch) break;
  }
  return sealed;
}
