import { type ChainFault, type ChainPlace, type ChainVerifier, verifyAfter } from '../domain/ledger-chain.ts';
import type { LedgerEnds, LedgerRow } from '../store/ledger-store.ts';
import type { Reads } from '../store/store.ts';
import { isSummaryOf } from './drop-ledger.ts';
import type { SessionParts } from './parts.ts';
import { ledgerBatchOf } from './seal-ledger.ts';

/** Rows that one call looks at: so that it answers soon however long the ledger is. */
const maxRowsOfCall = 20_000;

/** What a look at a part of the chain found. */
export interface LedgerVerdict {
  /** the last row that is good; the next call goes on behind it */
  readonly place: ChainPlace;
  /** rows that were looked at */
  readonly looked: number;
  /** whether the end of the chain was reached, or a fault */
  readonly done: boolean;
  /** the first thing that is wrong; null when nothing is, as far as was looked */
  readonly fault: ChainFault | null;
  /** rows that are not in the chain yet */
  readonly unsealed: number;
  /** behind which the chain begins: what was before is dropped */
  readonly base: ChainPlace;
}

/**
 * Looks whether somebody changed, removed, moved or put in rows of the ledger.
 * @param after  the place that the call before ended at; absent = from the beginning
 */
export async function verifyLedger(parts: SessionParts, after?: ChainPlace): Promise<LedgerVerdict> {
  const { store } = parts;
  const ends = await store.ledgerEnds();
  // what was good and is dropped since is nobody's concern
  const start = after === undefined || after.seq < ends.base.seq ? ends.base : after;
  const verifier = verifyAfter(start);
  const state = { verifier, ends, batch: ledgerBatchOf(parts) };
  const unexplained = after === undefined ? await faultOfBase(store, ends) : null;
  const { looked, fault, isAtEnd } =
    unexplained === null ? await look(store, state) : { looked: 0, fault: unexplained, isAtEnd: false };
  return {
    ...{ place: verifier.place(), looked, done: fault !== null || isAtEnd, fault },
    ...{ unsealed: await store.countUnsealedLedger(), base: ends.base },
  };
}

async function look(
  store: SessionParts['store'],
  {
    verifier,
    ends,
    batch,
  }: { readonly verifier: ChainVerifier; readonly ends: LedgerEnds; readonly batch: number },
) {
  for (let looked = 0; ; ) {
    const rows = await store.ledgerRows(verifier.place().seq, batch);
    for (const row of rows) {
      const fault = verifier.look(row) ?? strayedFault(row);
      if (fault !== null) return { looked, fault, isAtEnd: false };
      looked += 1;
    }
    if (rows.length < batch) {
      // rows that were sealed meanwhile are in order: then the head is not the one that was read before
      const head = verifier.place().seq > ends.head.seq ? (await store.ledgerEnds()).head : ends.head;
      return { looked, fault: verifier.end(head), isAtEnd: true };
    }
    if (looked >= maxRowsOfCall) return { looked, fault: null, isAtEnd: false };
  }
}

/** The body is what is sealed; lists go by the columns. */
function strayedFault({ seq, id, strayed }: LedgerRow): ChainFault | null {
  if (strayed.length === 0) return null;
  const message = `row ${seq} (${id}): its ${strayed.join(', ')} was changed: it does not say what its body says`;
  return { seq, id, fault: 'changed', message };
}

/** What is gone must be accounted for by an entry that is there. */
async function faultOfBase(reads: Reads, { base }: LedgerEnds): Promise<ChainFault | null> {
  if (base.seq === 0) return null;
  const [summary] = await reads.ledger({ kind: 'ledger.dropped' }, { limit: 1 });
  if (summary !== undefined && isSummaryOf(summary, base)) return null;
  const message = `rows up to ${base.seq} are gone, and no entry of the ledger accounts for them`;
  return { seq: base.seq, id: null, fault: 'removed', message };
}
