/** Copies everything that a store of one machine holds to a database of many. */
import { Kysely, sql } from 'kysely';
import { openPostgres } from '../../pkg/postgres/postgres.ts';
import { openSqlite } from '../../pkg/sqlite/sqlite.ts';
import { leaseMs } from '../domain/attempt.ts';
import { ConflictError, UnavailableError } from '../domain/errors.ts';
import { migratePostgresStore, type PostgresStoreOptions, poolOf } from './postgres-store.ts';
import { mapSqliteError } from './sqlite-errors.ts';
import type { Db, Tables } from './tables.ts';

/** All tables that are copied, those that others point to first. */
export const copiedTables = [
  ...[
    'sessions',
    'tasks',
    'task_needs',
    'attempts',
    'task_logs',
    'artifacts',
    'input_requests',
    'tokens',
    'agents',
  ],
  ...['events', 'event_counters', 'session_logs', 'audit', 'documents', 'repositories'],
  ...['workflows', 'workflow_versions', 'triggers', 'occurrences', 'trigger_events'],
  ...['trigger_confirmations', 'reports', 'notifications', 'failure_streaks'],
  ...['policies', 'limit_counters', 'workflow_histories', 'reservations', 'costs', 'approvals', 'holds'],
  ...['ledger', 'ledger_ends', 'meta', 'removals'],
] as readonly (keyof Tables)[];

/** Rows of one statement: few, since some hold a whole script or an event. */
const rowsAtATime = 100;
/** For one statement; ms. */
const statementMs = 600_000;

/** From where to where. */
export interface CopyOptions {
  /** the database of a store whose schema is up to date; nobody else has it meanwhile */
  readonly file: string;
  readonly to: PostgresStoreOptions;
  /** Copies what is beside the rows, before them: they must never point to what is not there. */
  readonly beside: () => Promise<void>;
}

/** How many rows there were of each table that had any. */
export type CopiedRows = Readonly<Record<string, number>>;

/**
 * Copies all rows in one transaction, and compares: afterwards everything is there, or nothing. Leases that are open
 * begin anew, since the clock of leases is another one.
 *
 * @throws {ConflictError} KERUTA_ERR_STORE_NOT_EMPTY, KERUTA_ERR_SERVER_RUNNING, and what opening them throws
 * @throws {UnavailableError} KERUTA_ERR_STORE_UNAVAILABLE: also when what arrived is not what was sent
 */
export async function copyStore({ file, to, beside }: CopyOptions): Promise<CopiedRows> {
  const mapError = (error: unknown) => mapSqliteError(error, file);
  const sqlite = openFile(file, mapError);
  try {
    const from = new Kysely<Tables>({ dialect: sqlite.reader });
    await makeSchema(to);
    const postgres = await openPostgres({ ...poolOf(to), maxConnections: 1, statementMs });
    try {
      const target = new Kysely<Tables>({ dialect: postgres.dialect });
      await refuseFull(target);
      await beside();
      return await target.transaction().execute(async (open) => {
        await refuseFull(open);
        const copied = await copyRows(from, open);
        await startLeases(open);
        return copied;
      });
    } finally {
      await postgres.close();
    }
  } finally {
    await sqlite.close();
  }
}

function openFile(file: string, mapError: (error: unknown) => unknown) {
  try {
    return openSqlite({ file, mapError });
  } catch (error) {
    throw mapError(error);
  }
}

/** A schema that is there already is not brought up to date here: it may be somebody's. */
async function makeSchema(to: PostgresStoreOptions): Promise<void> {
  const { have, missing } = await migratePostgresStore(to, 'look');
  if (have > 0 && missing.length > 0) throw full(`has schema version ${have}`, { have });
  await migratePostgresStore(to, 'apply');
}

/** What a new schema holds by itself does not count. */
async function refuseFull(target: Db): Promise<void> {
  for (const table of copiedTables.filter((one) => one !== 'ledger_ends')) {
    const count = await countOf(target, table);
    if (count === 0) continue;
    throw full(`holds ${count} rows in ${table}`, { table, count });
  }
}

function full(what: string, details: Readonly<Record<string, unknown>>): ConflictError {
  return new ConflictError(
    'KERUTA_ERR_STORE_NOT_EMPTY',
    `the database ${what} already in its schema, and was left alone: name another database, or drop the schema if nobody needs it`,
    { details },
  );
}

async function copyRows(from: Db, to: Db): Promise<CopiedRows> {
  const copied: Record<string, number> = {};
  await to.deleteFrom('ledger_ends').execute();
  for (const table of copiedTables) {
    for (let last = 0; ; ) {
      const { rows } = await sql<{ readonly row_place: number }>`
        SELECT rowid AS row_place, * FROM ${sql.table(table)} WHERE rowid > ${last}
        ORDER BY rowid LIMIT ${rowsAtATime}`.execute(from);
      if (rows.length === 0) break;
      last = rows.at(-1)?.row_place ?? last;
      const values = rows.map(({ row_place: _, ...row }) => row);
      await to
        .insertInto(table)
        .values(values as never)
        .execute();
    }
    const [there, here] = [await countOf(from, table), await countOf(to, table)];
    if (there !== here) throw unequal(`${table}: ${there} rows were sent, ${here} arrived`);
    if (here > 0) copied[table] = here;
  }
  const ends = (db: Db) => db.selectFrom('ledger_ends').selectAll().orderBy('name').execute();
  if (JSON.stringify(await ends(from)) !== JSON.stringify(await ends(to)))
    throw unequal('the ends of the ledger differ');
  return copied;
}

/** An agent that is at work goes on with its task as after a restart of the server; one that is lost is held as long as any. */
async function startLeases(to: Db): Promise<void> {
  const now = sql<number>`(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;
  await to
    .updateTable('attempts')
    .set({ lease_until: sql`${now} + CASE WHEN state = 'lost' THEN 0 ELSE CAST(${leaseMs} AS BIGINT) END` })
    .where('lease_until', 'is not', null)
    .where('state', 'in', ['claimed', 'exited', 'lost'])
    .execute();
}

async function countOf(db: Db, table: keyof Tables): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM ${sql.table(table)}`.execute(
    db,
  );
  return Number(rows[0]?.count);
}

function unequal(what: string): UnavailableError {
  return new UnavailableError(
    'KERUTA_ERR_STORE_UNAVAILABLE',
    `the copy is not what it was made of, and was given up (${what}); nothing was changed: do it again`,
  );
}
