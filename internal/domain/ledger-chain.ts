/**
 * The chain of the ledger: each row's hash covers the row before it, so that one that is changed, removed, moved or put in
 * between shows. It shows to whoever knows the newest hash: keep that one elsewhere against somebody who rewrites them all.
 */
import { createHash } from 'node:crypto';

/** A place in the chain. */
export interface ChainPlace {
  /** 1, 2, … without gaps; 0 = before the first row */
  readonly seq: number;
  /** SHA-256 of everything up to it; lower-case hex */
  readonly hash: string;
}

/** Where every chain begins. */
export const chainStart: ChainPlace = { seq: 0, hash: '0'.repeat(64) };

/** A row of the chain. */
export interface SealedRow extends ChainPlace {
  readonly id: string;
  /** canonical JSON of its entry, without what is null */
  readonly body: string;
}

/** What is wrong with a chain, and where first. */
export interface ChainFault {
  readonly seq: number;
  /** of the row that stands there; null when none does */
  readonly id: string | null;
  readonly fault: 'changed' | 'removed' | 'inserted';
  /** a sentence that names the row */
  readonly message: string;
}

/** JSON with the keys of every object in one order, so that equal values are equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  const fields = value as Readonly<Record<string, unknown>>;
  // without a prototype `__proto__` is a name like any other
  const made: Record<string, unknown> = Object.create(null);
  for (const name of Object.keys(fields).sort()) made[name] = sorted(fields[name]);
  return made;
}

/** Puts rows behind a place, in their order. */
export function sealRows(
  after: ChainPlace,
  rows: readonly { readonly id: string; readonly body: string }[],
): SealedRow[] {
  let last = after;
  return rows.map(({ id, body }) => {
    const seq = last.seq + 1;
    last = { seq, hash: hashOf({ seq, id, body }, last.hash) };
    return { ...last, id, body };
  });
}

/** Looks at the rows of a chain one after another. */
export interface ChainVerifier {
  /** Of rows as they are numbered. @returns what is wrong with this one; null when nothing is */
  look(row: SealedRow): ChainFault | null;
  /** Where the next row would stand. */
  place(): ChainPlace;
  /** @param head  where the chain is said to end @returns what is wrong with its end; null when nothing is */
  end(head: ChainPlace): ChainFault | null;
}

/** Begins to look at a chain. @param after  the place before the first row */
export function verifyAfter(after: ChainPlace): ChainVerifier {
  let last = after;
  return {
    look: (row) => {
      const wanted = last.seq + 1;
      if (row.seq > wanted) return removed(wanted, row.seq - 1);
      if (row.seq < wanted) return fault(row, 'inserted', 'it stands where another row is already');
      if (hashOf(row, last.hash) !== row.hash)
        return fault(row, 'changed', 'it does not match its hash: it was changed, or put there');
      last = { seq: row.seq, hash: row.hash };
      return null;
    },
    place: () => last,
    end: (head) => {
      if (head.seq > last.seq) return removed(last.seq + 1, head.seq);
      if (head.seq === last.seq && head.hash === last.hash) return null;
      const where = { seq: last.seq, id: null };
      const why = `the chain ends with row ${last.seq}, and its head names row ${head.seq} with another hash`;
      return { ...where, fault: head.seq < last.seq ? 'inserted' : 'changed', message: why };
    },
  };
}

/** Id and number hold no line break, so no two rows read alike. */
function hashOf({ seq, id, body }: Omit<SealedRow, 'hash'>, before: string): string {
  return createHash('sha256').update(`${before}\n${seq}\n${id}\n${body}`).digest('hex');
}

function fault(row: SealedRow, kind: ChainFault['fault'], why: string): ChainFault {
  return { seq: row.seq, id: row.id, fault: kind, message: `row ${row.seq} (${row.id}): ${why}` };
}

function removed(from: number, to: number): ChainFault {
  const which = from === to ? `row ${from} is` : `rows ${from} to ${to} are`;
  return { seq: from, id: null, fault: 'removed', message: `${which} missing` };
}
