import { type SelectQueryBuilder, sql } from 'kysely';
import { formatUuid7 } from '../../../pkg/random/random.ts';
import { blankEntry, type LedgerEntry } from '../../domain/ledger.ts';
import { canonicalJson } from '../../domain/ledger-chain.ts';
import type { LedgerFilter, LedgerReads, LedgerRow, LedgerWrites } from '../ledger-store.ts';
import type { Db, Tables } from '../tables.ts';
import { insertMany } from './insert-many.ts';

/** The columns that say again what the body says. */
function columnsOf(entry: LedgerEntry) {
  return {
    id: entry.id,
    at: entry.at,
    kind: entry.kind,
    workflow_name: entry.workflow,
    trigger_name: entry.trigger,
    trigger_id: entry.triggerId,
    execution_id: entry.executionId,
    task_id: entry.taskId,
    status: entry.status as string | null,
    cost_micros: entry.costMicros,
  };
}

/** A row of the ledger. */
export interface LedgerColumns extends ReturnType<typeof columnsOf> {
  body: string;
  seq: number | null;
  hash: string | null;
}

/** What is null is left out of the body: most of an entry does not concern its kind. */
function bodyOf(entry: LedgerEntry): string {
  return canonicalJson(Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null)));
}

/** An entry out of its body; what a body has not, such as fields that came later, is null. */
function entryOf({ body }: { readonly body: string }): LedgerEntry {
  const said = JSON.parse(body) as LedgerEntry;
  return { ...blankEntry(said), ...said };
}

/** What may be asked about the ledger. */
export function ledgerReads(db: Db) {
  const all = (filter: LedgerFilter) => narrowed(db.selectFrom('ledger'), filter);
  return {
    ledgerEntry: async (id) => {
      const row = await db.selectFrom('ledger').select('body').where('id', '=', id).executeTakeFirst();
      return row ? entryOf(row) : null;
    },
    ledger: async (filter, { limit, before }) => {
      let query = all(filter).select('body');
      if (before !== undefined) query = query.where('id', '<', before);
      return (await query.orderBy('id', 'desc').limit(limit).execute()).map(entryOf);
    },
    ledgerCost: async (filter) => {
      const sum = sql<number>`coalesce(sum(cost_micros), 0)`.as('cost');
      return Number((await all(filter).select(sum).executeTakeFirst())?.cost ?? 0);
    },
    newestLedgerId: async (workflow) => {
      const newest = all({ workflow }).select('id').orderBy('id', 'desc').limit(1);
      return (await newest.executeTakeFirst())?.id ?? null;
    },
    ledgerEnds: async () => {
      const rows = await db.selectFrom('ledger_ends').selectAll().execute();
      const place = (name: string) => {
        const { seq, hash } = rows.find((row) => row.name === name) ?? { seq: 0, hash: '' };
        return { seq, hash };
      };
      return { head: place('head'), base: place('base') };
    },
    ledgerRows: async (after, limit) => {
      const rows = db.selectFrom('ledger').selectAll().where('seq', '>', after);
      return (await rows.orderBy('seq').orderBy('id').limit(limit).execute()).map(rowOf);
    },
    unsealedLedger: async (limit) => {
      const rows = db.selectFrom('ledger').select(['id', 'at', 'body']).where('seq', 'is', null);
      return rows.orderBy('id').limit(limit).execute();
    },
    countUnsealedLedger: async () => {
      const count = sql<number>`count(*)`.as('count');
      const row = await db.selectFrom('ledger').select(count).where('seq', 'is', null).executeTakeFirst();
      return Number(row?.count ?? 0);
    },
  } satisfies LedgerReads;
}

function narrowed<O>(
  query: SelectQueryBuilder<Tables, 'ledger', O>,
  { workflow, trigger, triggerId, executionId, taskId, statuses, kind, from, to }: LedgerFilter,
) {
  let narrow = query;
  if (workflow !== undefined) narrow = narrow.where('workflow_name', '=', workflow);
  if (trigger !== undefined)
    narrow = narrow.where(({ eb, or }) =>
      or([eb('trigger_name', '=', trigger), eb('trigger_id', '=', trigger)]),
    );
  if (triggerId !== undefined) narrow = narrow.where('trigger_id', '=', triggerId);
  if (executionId !== undefined) narrow = narrow.where('execution_id', '=', executionId);
  if (taskId !== undefined) narrow = narrow.where('task_id', '=', taskId);
  if (statuses !== undefined) narrow = narrow.where('status', 'in', statuses);
  if (kind !== undefined) narrow = narrow.where('kind', '=', kind);
  // ids are made of the time, and lie in the indexes; the exact time is in the row
  if (from !== undefined)
    narrow = narrow.where('id', '>=', firstIdOf(from)).where('at', '>=', Math.ceil(from));
  if (to !== undefined)
    narrow = narrow.where('id', '<', firstIdOf(to + driftMs)).where('at', '<', Math.ceil(to));
  return narrow;
}

/** An id may be of a later time than its row, when the clock went back a little. @see pkg/random/random.ts */
const driftMs = 60_000;
const maxTime = 2 ** 48 - 1;
const firstIdOf = (at: number) =>
  formatUuid7(Math.min(maxTime, Math.max(0, Math.trunc(at))), new Uint8Array(10));

function rowOf(row: LedgerColumns): LedgerRow {
  const { id, at, body, seq, hash } = row;
  return { id, at, body, seq: seq ?? 0, hash: hash ?? '', strayed: strayedOf(row) };
}

function strayedOf(row: LedgerColumns): string[] {
  try {
    const said = Object.entries(columnsOf(entryOf(row)));
    return said.filter(([name, value]) => row[name as keyof LedgerColumns] !== value).map(([name]) => name);
  } catch {
    return ['body'];
  }
}

/** What may be written about it: it only grows, and loses its oldest rows. */
export function ledgerWrites(db: Db) {
  const moveEnd = (name: 'head' | 'base', { seq, hash }: { readonly seq: number; readonly hash: string }) =>
    db.updateTable('ledger_ends').set({ seq, hash }).where('name', '=', name).execute();
  return {
    insertLedger: async (entries) => {
      const rows = entries.map((entry) => ({ ...columnsOf(entry), body: bodyOf(entry) }));
      await insertMany(db, 'ledger', rows);
    },
    sealLedger: async (rows) => {
      const last = rows.at(-1);
      if (last === undefined) return;
      const values = rows.map(({ id, seq, hash }) => sql`(${id}, CAST(${seq} AS BIGINT), ${hash})`);
      await sql`WITH sealed (id, seq, hash) AS (VALUES ${sql.join(values)})
        UPDATE ledger SET seq = sealed.seq, hash = sealed.hash FROM sealed WHERE ledger.id = sealed.id`.execute(
        db,
      );
      await moveEnd('head', last);
    },
    dropLedger: async (upTo) => {
      await moveEnd('base', upTo);
      await db.deleteFrom('ledger').where('seq', '<=', upTo.seq).execute();
    },
  } satisfies Omit<LedgerWrites, 'takeLedger'>;
}
