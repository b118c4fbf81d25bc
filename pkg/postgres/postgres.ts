/** The one door of `pg`: a pool of connections with bounded waiting, kysely over it, and LISTEN that comes back. */
import type { Dialect } from 'kysely';
import pg from 'pg';
import type { Clock } from '../clock/clock.ts';
import { PostgresConnectionError } from './errors.ts';
import { type ListenOptions, listen } from './listen.ts';
import { poolDialect, type Taken } from './pool-dialect.ts';

/** What a statement gave. */
export interface Rows<R = Record<string, unknown>> {
  readonly command: string;
  readonly rowCount: number;
  readonly rows: R[];
}

/**
 * Runs one statement. BIGINT comes as a number, BYTEA as bytes. U+0000 in text, which PostgreSQL refuses, is sent as
 * U+FFFD.
 */
export type Query = <R = Record<string, unknown>>(
  sql: string,
  parameters?: readonly unknown[],
) => Promise<Rows<R>>;

/** An open pool. */
export interface Postgres {
  /** Each statement or transaction of this kysely takes a connection of the pool. */
  readonly dialect: Dialect;
  readonly query: Query;
  /** Runs `work` in a transaction on one connection. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /** @see listen; ended by `close` too */
  listen(options: ListenOptions): () => Promise<void>;
  /** Ends listening, waits for open work, closes all connections; a server that does not answer is left after 2 s. */
  close(): Promise<void>;
}

/** What it takes to open a pool. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?…` */
  readonly url: string;
  /** where tables are looked for and made */
  readonly schema: string;
  /** whether the schema itself is made when it is not there; default true */
  readonly makesSchema?: boolean;
  /** default 10 */
  readonly maxConnections?: number;
  readonly clock: Clock;
  /** applied to every error of a statement and of taking a connection; default: as it came */
  readonly mapError?: (error: unknown) => unknown;
  /** the longest that a statement may take; ms; default 6 s */
  readonly statementMs?: number;
  /** the longest that a statement may wait for a lock; ms; default 3 s */
  readonly lockMs?: number;
  /** told of connections that broke between two statements */
  readonly onFault: (error: unknown) => void;
}

/** For a new connection, and for one of the pool to become free; ms. */
const connectTimeoutMs = 5_000;
// Who asks gets an answer within 10 s, also of a database that says nothing any more.
const defaultStatementMs = 6_000;
const defaultLockMs = 3_000;
/** So much more than to a statement is given to its answer; then the server is no longer there; ms. */
const answerMarginMs = 1_000;
/** For the farewells to a server that does not answer; ms. */
const closeMs = 2_000;
/** How many different statements are kept prepared on each connection. */
const maxPrepared = 300;
/** The number of BIGINT in pg_type. */
const int8 = 20;

/**
 * Opens a pool, and makes sure of its schema unless it is not to.
 * @throws what `mapError` makes of it when the server cannot be reached within 5 s
 */
export async function openPostgres(options: PostgresOptions): Promise<Postgres> {
  const { url, schema, clock, mapError = (error) => error } = options;
  const { statementMs = defaultStatementMs, lockMs = defaultLockMs } = options;
  const answerMs = statementMs + answerMarginMs;
  const base = {
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    types: { getTypeParser },
  };
  const pool = new pg.Pool({
    ...base,
    max: options.maxConnections ?? 10,
    statement_timeout: statementMs,
    lock_timeout: lockMs,
    query_timeout: answerMs,
    onConnect: (client) => client.query(`SET search_path TO "${schema}"`) as unknown as undefined,
  });
  pool.on('error', options.onFault);
  const names = new Map<string, string>();
  const doubt: Doubt = { times: 0, isOpen: false };
  const take = async (): Promise<Taken> => {
    try {
      return takenOver(await pool.connect(), { names, doubt, mapError, onFault: options.onFault });
    } catch (error) {
      throw mapError(asConnectionError(error));
    }
  };
  const ends = new Set<() => Promise<void>>();
  const postgres: Postgres = {
    dialect: poolDialect(take),
    query: async (...of) => {
      const taken = await take();
      try {
        return await taken.query(...of);
      } finally {
        taken.release();
      }
    },
    transaction: async (work) => inTransaction(await take(), work),
    listen: (how) => {
      const newClient = () => new pg.Client({ ...base, query_timeout: answerMs });
      const end = listen({ newClient, clock }, how);
      ends.add(end);
      return end;
    },
    close: async () => {
      const over = new AbortController();
      const bye = async () => {
        await Promise.all([...ends].map((end) => end()));
        if (!pool.ended && !pool.ending) await pool.end();
      };
      // a server that is gone never says farewell
      await Promise.race([bye(), clock.sleep(closeMs, over.signal).catch(() => {})]);
      over.abort();
    },
  };
  try {
    if (options.makesSchema ?? true) await makeSchema(postgres, schema);
    return postgres;
  } catch (error) {
    await postgres.close();
    throw error;
  }
}

async function makeSchema(postgres: Postgres, schema: string): Promise<void> {
  const there = () => postgres.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if ((await there()).rows.length > 0) return;
  try {
    await postgres.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
  } catch (error) {
    // Two servers that start at once may both try, and one is then told that it is there already.
    if ((await there()).rows.length === 0) throw error;
  }
}

async function inTransaction<T>(taken: Taken, work: (query: Query) => Promise<T>): Promise<T> {
  let broken = false;
  try {
    await taken.query('BEGIN');
    const value = await work(taken.query);
    await taken.query('COMMIT');
    return value;
  } catch (error) {
    await taken.query('ROLLBACK').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    taken.release(broken);
  }
}

/**
 * Whether a commit may have happened of which nobody was told that it is safe: its answer did not come, or a synchronous
 * standby did not confirm it. It can be seen all the same, and a transaction that only reads it waits for no standby.
 */
interface Doubt {
  times: number;
  isOpen: boolean;
}

interface TakenParts {
  readonly doubt: Doubt;
  /** names of prepared statements, by their words */
  readonly names: Map<string, string>;
  readonly mapError: (error: unknown) => unknown;
  readonly onFault: (error: unknown) => void;
}

/** Looks after a connection while it is taken: the pool does so for idle ones only. */
function takenOver(client: pg.PoolClient, parts: TakenParts): Taken {
  let broken: { readonly error: unknown } | null = null;
  let isUnsafe = false;
  // one that breaks between two statements would end the program
  const onError = (error: unknown) => {
    broken ??= { error };
    parts.onFault(error);
  };
  const onNotice = ({ code }: { readonly code?: string | undefined }) => {
    isUnsafe ||= code === plainWarning;
  };
  client.on('error', onError).on('notice', onNotice);
  const { doubt } = parts;
  const query: Query = async <R>(sql: string, parameters: readonly unknown[] = []) => {
    isUnsafe = false;
    const isCommit = sql.toUpperCase() === 'COMMIT';
    try {
      // behind a statement that got no answer, every other one would wait as long
      if (broken) throw broken.error;
      const { times } = doubt;
      const confirms = isCommit && doubt.isOpen;
      if (confirms) await ask(client, parts.names, { sql: writeSomething, parameters: [] });
      const rows = await ask<R>(client, parts.names, { sql, parameters });
      if (isUnsafe && rows.command === 'COMMIT')
        throw new PostgresConnectionError('the standby did not confirm the commit');
      if (confirms && rows.command === 'COMMIT' && doubt.times === times) doubt.isOpen = false;
      return rows;
    } catch (error) {
      const shown = asConnectionError(error);
      if (shown instanceof PostgresConnectionError) {
        broken ??= { error };
        if (isCommit) Object.assign(doubt, { times: doubt.times + 1, isOpen: true } satisfies Doubt);
      }
      throw parts.mapError(shown);
    }
  };
  const release = (destroy = false) => {
    client.off('error', onError).off('notice', onNotice);
    client.release(destroy || broken !== null);
  };
  return { query, release };
}

/**
 * SQLSTATE of a warning without one of its own. At a commit it says that waiting for a synchronous standby was given up,
 * because somebody cancelled it: a failover would lose what the database calls committed.
 */
const plainWarning = '01000';

/** Makes a commit one that has something to flush, and so to confirm, with everything before it; changes no table. */
const writeSomething = "SELECT pg_logical_emit_message(true, 'confirm', '')";

async function ask<R>(
  client: pg.PoolClient,
  names: Map<string, string>,
  { sql, parameters }: { readonly sql: string; readonly parameters: readonly unknown[] },
): Promise<Rows<R>> {
  // Only what has parameters comes again in the same words often enough.
  if (parameters.length > 0 && !names.has(sql) && names.size < maxPrepared) names.set(sql, `s${names.size}`);
  const name = parameters.length > 0 ? names.get(sql) : undefined;
  const config = { text: sql, values: parameters.map(toParameter), ...(name && { name }) };
  const { command, rowCount, rows } = await client.query(config);
  return { command, rowCount: rowCount ?? 0, rows: (rows ?? []) as R[] };
}

function toParameter(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

/** What is not said by the server itself, nor a bug, is about the connection. */
function asConnectionError(error: unknown): unknown {
  if (error instanceof PostgresConnectionError) return error;
  if (error instanceof pg.DatabaseError || error instanceof TypeError || !(error instanceof Error))
    return error;
  return new PostgresConnectionError(error.message || (error as NodeJS.ErrnoException).code || error.name, {
    cause: error,
  });
}

const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') => {
  const parse = pg.types.getTypeParser(oid, format as 'text');
  return oid === int8 ? (value: string) => Number(parse(value)) : parse;
};
