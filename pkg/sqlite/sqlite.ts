/**
 * The one door of `node:sqlite`: a database file with one writer, one reader, and commits that are shared.
 *
 * Everything that `transact` acknowledged is on the disk (WAL, synchronous=FULL). Only one process has the file.
 */
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Dialect } from 'kysely';
import { type MapError, SqliteConnection } from './connection.ts';
import { sqliteDialect } from './dialect.ts';
import { DatabaseClosedError, DatabaseDamagedError, sqliteCodeOf, sqliteCodes } from './errors.ts';
import { holdFile } from './file-lock.ts';
import { GroupCommit } from './group-commit.ts';

/** An open database file. */
export interface Sqlite {
  /** For reads outside transactions: sees what is committed. */
  readonly reader: Dialect;
  /** For statements inside `transact`; at any other time they throw. */
  readonly writer: Dialect;
  /** @see GroupCommit.transact */
  transact<T>(work: () => Promise<T>): Promise<T>;
  /** Waits for open transactions, then closes and lets go of the file. */
  close(): Promise<void>;
}

/** What it takes to open a file. */
export interface SqliteOptions {
  /** path of the file, made (0600, its directory 0700) when it is not there; or `:memory:` */
  readonly file: string;
  /** applied to every error of a statement, a commit and a begin; default: as it came */
  readonly mapError?: MapError;
}

/** Up to this size a file is checked from end to end when it is opened: a good disk reads it within half a second. */
const maxCheckedBytes = 256 * 1024 * 1024;

/**
 * Opens a database file. With `:memory:` reader and writer are one connection, so that a read outside sees what an open
 * transaction has written: fit for tests only.
 *
 * @throws {DatabaseInUseError} another process has it
 * @throws {DatabaseDamagedError} it is no database, or a damaged one; it is left as it is
 */
export function openSqlite({ file, mapError = (error) => error }: SqliteOptions): Sqlite {
  const inMemory = file === ':memory:';
  if (!inMemory) makeFile(file);
  const letGo = inMemory ? () => {} : holdFile(file);
  let writer: SqliteConnection | undefined;
  try {
    writer = openWriter(file, mapError);
    const reader = inMemory ? writer : new SqliteConnection({ file, readOnly: true, mapError });
    return joined({ writer, reader, letGo, mapError });
  } catch (error) {
    writer?.close();
    letGo();
    throw error;
  }
}

function makeFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  if (statSync(file).size === 0) chmodSync(file, 0o600);
}

function openWriter(file: string, mapError: MapError): SqliteConnection {
  const writer = new SqliteConnection({ file, readOnly: false, mapError });
  try {
    check(writer, file);
    writer.exec('PRAGMA journal_mode = WAL');
    writer.exec('PRAGMA synchronous = FULL');
    writer.exec('PRAGMA temp_store = MEMORY');
    return writer;
  } catch (error) {
    writer.close();
    const primary = sqliteCodeOf(error)?.primary;
    if (primary === sqliteCodes.notADatabase || primary === sqliteCodes.corrupt)
      throw new DatabaseDamagedError(file, (error as Error).message, { cause: error });
    throw error;
  }
}

function check(writer: SqliteConnection, file: string): void {
  writer.run('SELECT count(*) FROM sqlite_schema');
  if (file === ':memory:' || statSync(file).size > maxCheckedBytes) return;
  const [found] = writer.run('PRAGMA quick_check(1)').rows as { readonly quick_check: string }[];
  if (found?.quick_check !== 'ok') throw new DatabaseDamagedError(file, found?.quick_check ?? 'no answer');
}

function joined(parts: {
  readonly writer: SqliteConnection;
  readonly reader: SqliteConnection;
  readonly letGo: () => void;
  readonly mapError: MapError;
}): Sqlite {
  const { writer, reader, letGo } = parts;
  const group = new GroupCommit(writer, parts.mapError);
  // With one connection for both, the guard would refuse plain reads too.
  if (reader !== writer)
    writer.guard = () => {
      throw new DatabaseClosedError('this transaction has ended');
    };
  return {
    reader: sqliteDialect(reader),
    writer: sqliteDialect(writer),
    transact: (work) => group.transact(work),
    close: async () => {
      await group.close();
      reader.close();
      writer.close();
      letGo();
    },
  };
}
