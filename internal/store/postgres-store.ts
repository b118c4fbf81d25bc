import { createHash } from 'node:crypto';
import { Kysely, sql } from 'kysely';
import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import { openPostgres, type Postgres, type PostgresOptions } from '../../pkg/postgres/postgres.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { postgresDdl } from './ddl.ts';
import { Listeners } from './listeners.ts';
import { type MigrationMode, migrate, type SchemaSteps } from './migrate.ts';
import { migrations } from './migrations/migrations.ts';
import { isWorthAgain, mapAfterRetries, mapPostgresError } from './postgres-errors.ts';
import { readsOver, writesOver } from './queries/queries.ts';
import type { Store, Topic, Transaction } from './store.ts';
import type { Db, Tables } from './tables.ts';

/** How often a transaction is done before its failure to get through is told. */
const maxTries = 5;
/** Times the number of tries so far: how long to wait before the next; ms. */
const waitMs = 10;
/** Any number that nobody else locks; advisory locks are per database. */
const migrationLock = '7305422194318470001';
/** For one statement of a step of the schema; ms. */
const migrationMs = 600_000;
/** For another server that is at it; ms. */
const migrationWaitMs = 60_000;

/** What it takes to open a store in PostgreSQL. */
export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** default `keruta`; made when it is not there */
  readonly schema?: string;
  /** what becomes of missing steps of the schema; default `apply` */
  readonly migration?: Exclude<MigrationMode, 'look'>;
}

/**
 * Opens the store of many machines; any number of servers may have it open. The database's clock is the time.
 *
 * @throws {ConflictError} KERUTA_ERR_SCHEMA_NEWER, and with `migration: 'refuse'` KERUTA_ERR_SCHEMA_OLDER
 * @throws {UnavailableError} KERUTA_ERR_STORE_UNAVAILABLE, within 5 s when nobody answers
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { clock, log, migration = 'apply' } = options;
  const pool = poolOf(options);
  await migrateUnderLock(pool, migration);
  const postgres = await openPostgres(pool);
  const db = new Kysely<Tables>({ dialect: postgres.dialect });
  const topics = new SharedTopics({ postgres, log, channel: pool.schema });
  await topics.begun;
  const now = async () => {
    const { rows } = await postgres.query<{ now: number }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
    );
    return rows[0]?.now ?? 0;
  };
  const transact = transacting({ db, clock, topics });
  return {
    ...readsOver(db),
    transact,
    now,
    leaseNow: now,
    subscribe: (topic, listener) => topics.listeners.add(topic, listener),
    notify: (topic) => topics.wake([topic]),
    health: async () => {
      try {
        await transact((tx) => tx.putMeta('health', 'ok'));
        return { ok: true, message: 'the store takes writes' };
      } catch (error) {
        return { ok: false, message: error instanceof Error ? error.message : String(error) };
      }
    },
    close: async () => {
      topics.listeners.clear();
      await postgres.close();
    },
  };
}

function transacting({
  db,
  clock,
  topics,
}: {
  db: Db;
  clock: Clock;
  topics: SharedTopics;
}): Store['transact'] {
  return async (work) => {
    for (let tries = 1; ; tries++) {
      const woken = new Set<Topic>();
      try {
        const value = await db.transaction().execute(async (open) => {
          const result = await work(transactionOver(open, woken));
          await topics.send(open, woken);
          return result;
        });
        topics.wakeHere(woken);
        return value;
      } catch (error) {
        if (!isWorthAgain(error) || tries >= maxTries) throw mapAfterRetries(error);
        await clock.sleep(waitMs * tries);
      }
    }
  };
}

function transactionOver(open: Db, woken: Set<Topic>): Transaction {
  const take = async (what: string) => {
    const taken = sql<{ taken: boolean }>`SELECT pg_try_advisory_xact_lock(${lockOf(what)}::bigint) AS taken`;
    return (await taken.execute(open)).rows[0]?.taken === true;
  };
  return {
    ...readsOver(open),
    ...writesOver(open),
    lockSession: async (sessionId) => {
      await sql`SELECT pg_advisory_xact_lock(${lockOf(sessionId)}::bigint)`.execute(open);
    },
    lockTrigger: async (id) => {
      await sql`SELECT pg_advisory_xact_lock(${lockOf(`trigger ${id}`)}::bigint)`.execute(open);
    },
    takeTrigger: (id) => take(`trigger ${id}`),
    takeLedger: () => take('the ledger'),
    notify: (topic) => void woken.add(topic),
  };
}

/** 64 bits of a hash: two sessions that meet in it only wait for each other. */
function lockOf(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest().readBigInt64BE().toString();
}

/** The pool that a store is opened with. */
export function poolOf({ url, clock, log, schema = 'keruta' }: PostgresStoreOptions): PostgresOptions {
  const onFault = (error: unknown) => log.warn('a connection to the database broke', { error });
  return { url, schema, clock, mapError: mapPostgresError, onFault };
}

/**
 * Brings the schema of a store up to date, one server at a time; or only tells how it stands.
 * @returns how it stood before
 * @throws as openPostgresStore
 */
export function migratePostgresStore(
  options: PostgresStoreOptions,
  mode: 'apply' | 'look',
): Promise<SchemaSteps> {
  return migrateUnderLock(poolOf(options), mode);
}

/** On a connection of its own, whose statements may take their time. */
async function migrateUnderLock(pool: PostgresOptions, mode: MigrationMode): Promise<SchemaSteps> {
  const limits = { maxConnections: 1, statementMs: migrationMs, lockMs: migrationWaitMs };
  const postgres = await openPostgres({ ...pool, ...limits, makesSchema: mode === 'apply' });
  try {
    const db = new Kysely<Tables>({ dialect: postgres.dialect });
    const place = `the database, schema "${pool.schema}",`;
    const how = { ddl: postgresDdl, migrations, now: pool.clock.now(), place, mode };
    return await db.transaction().execute(async (open) => {
      await sql`SELECT pg_advisory_xact_lock(${migrationLock}::bigint)`.execute(open);
      return migrate({ db: open, ...how });
    });
  } finally {
    await postgres.close();
  }
}

/** Topics over all servers: those of this process are woken at once, the others by NOTIFY. */
class SharedTopics {
  readonly listeners: Listeners;
  /** Resolves when listening began, or failed for the first time: then it goes on trying. */
  readonly begun: Promise<void>;
  readonly #postgres: Postgres;
  readonly #log: Log;
  readonly #channel: string;
  /** Tells our own notifications from those of other servers. */
  readonly #self = systemRandom.uuid4();

  constructor(parts: { readonly postgres: Postgres; readonly log: Log; readonly channel: string }) {
    this.listeners = new Listeners(parts.log);
    this.#postgres = parts.postgres;
    this.#log = parts.log;
    this.#channel = parts.channel;
    this.begun = new Promise((resolve) => {
      parts.postgres.listen({
        channel: parts.channel,
        onPayload: (payload) => this.#received(payload),
        onListening: () => {
          // What came while nobody listened was missed.
          this.listeners.wakeAll();
          resolve();
        },
        onFault: (error) => {
          parts.log.warn('listening to the database broke off; trying again', { error });
          resolve();
        },
      });
    });
  }

  /** Tells the other servers as part of an open transaction, so that they hear of it when it commits. */
  async send(open: Db, topics: ReadonlySet<Topic>): Promise<void> {
    for (const topic of topics)
      await sql`SELECT pg_notify(${this.#channel}, ${`${this.#self} ${topic}`})`.execute(open);
  }

  wakeHere(topics: Iterable<Topic>): void {
    for (const topic of topics) this.listeners.wake(topic);
  }

  /** Wakes everywhere, without a transaction; what cannot be sent is only logged. */
  wake(topics: readonly Topic[]): void {
    this.wakeHere(topics);
    for (const topic of topics)
      this.#postgres
        .query('SELECT pg_notify($1, $2)', [this.#channel, `${this.#self} ${topic}`])
        .catch((error) => this.#log.warn('other servers could not be told', { topic, error }));
  }

  #received(payload: string): void {
    const [sender, topic] = payload.split(' ', 2);
    if (sender !== this.#self && topic) this.listeners.wake(topic as Topic);
  }
}
