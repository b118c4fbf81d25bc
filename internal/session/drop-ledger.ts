import type { LedgerEntry } from '../domain/ledger.ts';
import { type ChainPlace, verifyAfter } from '../domain/ledger-chain.ts';
import type { LedgerRow } from '../store/ledger-store.ts';
import type { Transaction } from '../store/store.ts';
import { appendLedger } from './append-ledger.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { ledgerBatchOf } from './seal-ledger.ts';

/** How long entries stay when nothing else is set: a year and a month; ms. */
export const defaultLedgerKeepMs = 400 * 86_400_000;
/** Batches that go in one transaction, with one entry that accounts for them. */
const batchesAtOnce = 20;

/**
 * Removes the oldest entries whose time is over, and leaves an entry with what they came to, and with the hash of the
 * last of them: so the chain still hangs together. Rows that are not as they were sealed are left, and logged.
 * @returns how many went
 */
export async function dropOldLedger(parts: SessionParts, signal: AbortSignal): Promise<number> {
  const { store, ledgerKeepMs = defaultLedgerKeepMs } = parts;
  for (let gone = 0; ; ) {
    const now = await store.now();
    const before = now - ledgerKeepMs;
    const { base } = await store.ledgerEnds();
    const [oldest] = await store.ledgerRows(base.seq, 1);
    if (signal.aborted || oldest === undefined || oldest.at >= before) return gone;
    const count = await store.transact((tx) => dropSome(tx, { parts, before, now }));
    if (count === 0) return gone;
    gone += count;
  }
}

async function dropSome(
  tx: Transaction,
  { parts, before, now }: { readonly parts: SessionParts; readonly before: number; readonly now: number },
): Promise<number> {
  if (!(await tx.takeLedger())) return 0;
  const { base } = await tx.ledgerEnds();
  const rows = await oldRows(tx, { parts, before, base });
  const last = rows.at(-1);
  if (last === undefined) return 0;
  const upTo = { seq: last.seq, hash: last.hash };
  const details = { ...summaryOf(rows), fromSeq: base.seq + 1, toSeq: upTo.seq, hash: upTo.hash };
  await appendLedger(tx, parts, { at: now, kind: 'ledger.dropped', actor: systemCaller.actor, details });
  await tx.dropLedger(upTo);
  return rows.length;
}

/** The oldest rows, as far as they are old enough and whole. */
async function oldRows(
  tx: Transaction,
  {
    parts,
    before,
    base,
  }: { readonly parts: SessionParts; readonly before: number; readonly base: ChainPlace },
): Promise<LedgerRow[]> {
  const batch = ledgerBatchOf(parts);
  const verifier = verifyAfter(base);
  const old: LedgerRow[] = [];
  for (let n = 0; n < batchesAtOnce; n++) {
    const rows = await tx.ledgerRows(verifier.place().seq, batch);
    for (const row of rows) {
      if (row.at >= before) return old;
      const fault = verifier.look(row);
      if (fault !== null) {
        parts.log.error('old entries of the ledger are not removed: they are not as they were', { ...fault });
        return old;
      }
      old.push(row);
    }
    if (rows.length < batch) return old;
  }
  return old;
}

/** What entries came to. */
function summaryOf(rows: readonly LedgerRow[]) {
  const entries = rows.map(({ body }) => JSON.parse(body) as Partial<LedgerEntry>);
  const statuses: Record<string, number> = {};
  for (const { status } of entries) if (status) statuses[status] = (statuses[status] ?? 0) + 1;
  const times = rows.map(({ at }) => at);
  return {
    ...{ rows: rows.length, statuses },
    costMicros: entries.reduce((sum, { costMicros }) => sum + (costMicros ?? 0), 0),
    firstAt: new Date(times.reduce((a, b) => Math.min(a, b))).toISOString(),
    lastAt: new Date(times.reduce((a, b) => Math.max(a, b))).toISOString(),
  };
}

/** Whether an entry accounts for everything up to this place. */
export function isSummaryOf({ details }: LedgerEntry, { seq, hash }: ChainPlace): boolean {
  return details.toSeq === seq && details.hash === hash;
}
