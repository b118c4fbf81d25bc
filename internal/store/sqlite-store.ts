import { existsSync } from 'node:fs';
import { Kysely } from 'kysely';
import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import { type Examine, lookInto, openSqlite, type Sqlite } from '../../pkg/sqlite/sqlite.ts';
import { leaseMs } from '../domain/attempt.ts';
import { sqliteDdl } from './ddl.ts';
import { Listeners } from './listeners.ts';
import { type MigrationMode, migrate, refuseOlder, type SchemaSteps, stepsFrom } from './migrate.ts';
import { migrations } from './migrations/migrations.ts';
import { lastLease } from './queries/attempts.ts';
import { readsOver, writesOver } from './queries/queries.ts';
import { mapSqliteError } from './sqlite-errors.ts';
import type { Store, Topic, Transaction } from './store.ts';
import type { Tables } from './tables.ts';

/** What it takes to open a store in a file. */
export interface SqliteStoreOptions {
  /** path of the database, made when it is not there; or `:memory:`, for tests */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
  /** what becomes of missing steps of the schema; default `apply` */
  readonly migration?: Exclude<MigrationMode, 'look'>;
}

/**
 * Opens the store of one machine. The file belongs to this process until `close`, or until the process ends.
 *
 * Lease time: the monotonic clock, moved so that it goes on near where the last process left it: it begins one lease
 * before the end of the longest open lease (0 when none is open). So no lease of the time before seems far away, and
 * the boot grace (`extendLeases`) then decides how long each of them holds.
 *
 * @throws {ConflictError} KERUTA_ERR_SERVER_RUNNING, KERUTA_ERR_STORE_DAMAGED, KERUTA_ERR_SCHEMA_NEWER, and with
 * `migration: 'refuse'` KERUTA_ERR_SCHEMA_OLDER
 * @throws {UnavailableError} KERUTA_ERR_DISK_FULL, KERUTA_ERR_STORE_UNAVAILABLE
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { file, clock, log, migration = 'apply' } = options;
  const sqlite = openFile(file, migration);
  const writer = new Kysely<Tables>({ dialect: sqlite.writer });
  const reader = new Kysely<Tables>({ dialect: sqlite.reader });
  try {
    await sqlite.transact(() =>
      migrate({ db: writer, ddl: sqliteDdl, migrations, now: clock.now(), place: placeOf(file) }),
    );
    const startedAt = clock.monotonicMs();
    const leaseStart = Math.max(0, (await lastLease(reader)) - leaseMs);
    return {
      ...readsOver(reader),
      ...writing({ sqlite, db: writer, listeners: new Listeners(log) }),
      now: async () => clock.now(),
      leaseNow: async () => leaseStart + Math.floor(clock.monotonicMs() - startedAt),
    };
  } catch (error) {
    await sqlite.close();
    throw error;
  }
}

/** Opens the file. What is refused is refused before a connection that may write is open: closing one changes the file. */
function openFile(file: string, migration: 'apply' | 'refuse'): Sqlite {
  const mapError = (error: unknown) => mapSqliteError(error, file);
  const look = (have: number) => {
    const steps = stepsFrom({ have, migrations, place: placeOf(file) });
    if (migration === 'refuse') refuseOlder(steps, placeOf(file));
  };
  try {
    if (migration === 'refuse' && !existsSync(file)) look(0);
    return openSqlite({ file, mapError, examine: (ask) => look(versionIn(ask)) });
  } catch (error) {
    throw mapError(error);
  }
}

/**
 * Tells how the schema of a store in a file stands, and changes nothing.
 * @throws as openSqliteStore
 */
export function lookAtSqliteStore(file: string): SchemaSteps {
  let have = 0;
  try {
    if (existsSync(file)) lookInto({ file, examine: (ask) => (have = versionIn(ask)) });
  } catch (error) {
    throw mapSqliteError(error, file);
  }
  return stepsFrom({ have, migrations, place: placeOf(file) });
}

function versionIn(ask: Parameters<Examine>[0]): number {
  if (ask("SELECT 1 FROM sqlite_schema WHERE name = 'schema_versions'").length === 0) return 0;
  const [row] = ask('SELECT coalesce(max(version), 0) AS version FROM schema_versions');
  return (row as { readonly version: number }).version;
}

const placeOf = (file: string) => `the store ${file}`;

function writing(parts: {
  readonly sqlite: Sqlite;
  readonly db: Kysely<Tables>;
  readonly listeners: Listeners;
}): Pick<Store, 'transact' | 'subscribe' | 'notify' | 'health' | 'close'> {
  const { sqlite, listeners } = parts;
  const verbs = {
    ...readsOver(parts.db),
    ...writesOver(parts.db),
    lockSession: async () => {},
    takeTrigger: async () => true,
    lockTrigger: async () => {},
    takeLedger: async () => true,
  };
  return {
    transact: async (work) => {
      const topics = new Set<Topic>();
      const tx: Transaction = { ...verbs, notify: (topic) => void topics.add(topic) };
      const value = await sqlite.transact(() => work(tx));
      for (const topic of topics) listeners.wake(topic);
      return value;
    },
    subscribe: (topic, listener) => listeners.add(topic, listener),
    notify: (topic) => listeners.wake(topic),
    health: async () => {
      try {
        await sqlite.transact(() => verbs.putMeta('health', 'ok'));
        return { ok: true, message: 'the store takes writes' };
      } catch (error) {
        return { ok: false, message: error instanceof Error ? error.message : String(error) };
      }
    },
    close: async () => {
      await sqlite.close();
      listeners.clear();
    },
  };
}
