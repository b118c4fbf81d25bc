import { sealRows } from '../domain/ledger-chain.ts';
import type { SessionParts } from './parts.ts';

/** Rows of the ledger that are read or sealed at once, when nothing else is set. */
export const defaultLedgerBatch = 100;

/** @see SessionParts.ledgerBatch */
export function ledgerBatchOf({ ledgerBatch = defaultLedgerBatch }: SessionParts): number {
  return ledgerBatch;
}

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
    const count = await store.transact(async (tx) => {
      if (!(await tx.takeLedger())) return 0;
      const { head } = await tx.ledgerEnds();
      const rows = sealRows(head, await tx.unsealedLedger(batch));
      await tx.sealLedger(rows);
      return rows.length;
    });
    sealed += count;
    if (count < batch) return sealed;
  }
}
