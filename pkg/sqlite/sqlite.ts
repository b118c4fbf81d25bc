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
import { DatabaseClosedError } from './errors.ts';
import { type Examine, examineFile } from './examine-file.ts';
import { type HeldFile, holdFile } from './file-lock.ts';
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
  /** looks at a database that is there, before anything of it can change; what it throws is thrown on */
  readonly examine?: Examine;
}

/**
 * Opens a database file. With `:memory:` reader and writer are one connection, so that a read outside sees what an open
 * transaction has written: fit for tests only.
 *
 * @throws {DatabaseInUseError} another process has it
 * @throws {DatabaseDamagedError} it is no database, a damaged one, or one that was lost; all files are left as they are
 */
export function openSqlite({ file, mapError = (error) => error, examine }: SqliteOptions): Sqlite {
  if (file === ':memory:') {
    const only = openWriter(file, mapError);
    return joined({ writer: only, reader: only, letGo: () => {}, mapError });
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const held = holdFile(file);
  try {
    return openHeld({ file, held, mapError, examine });
  } catch (error) {
    held.letGo();
    throw error;
  }
}

/**
 * Looks into a database file while nobody else has it, and changes nothing of it.
 * @throws as openSqlite, and what `examine` throws
 */
export function lookInto({ file, examine }: { readonly file: string; readonly examine: Examine }): void {
  const held = holdFile(file);
  try {
    examineFile(file, held.hadDatabase, examine);
  } finally {
    held.letGo();
  }
}

export type { Examine };

function openHeld(options: {
  readonly file: string;
  readonly held: HeldFile;
  readonly mapError: MapError;
  readonly examine: Examine | undefined;
}): Sqlite {
  const { file, held, mapError, examine } = options;
  examineFile(file, held.hadDatabase, examine);
  closeSync(openSync(file, 'a', 0o600));
  if (statSync(file).size === 0) chmodSync(file, 0o600);
  const writer = openWriter(file, mapError);
  try {
    held.noteDatabase();
    const reader = new SqliteConnection({ file, readOnly: true, mapError });
    return joined({ writer, reader, letGo: held.letGo, mapError });
  } catch (error) {
    writer.close();
    throw error;
  }
}

function openWriter(file: string, mapError: MapError): SqliteConnection {
  const writer = new SqliteConnection({ file, readOnly: false, mapError });
  try {
    writer.exec('PRAGMA journal_mode = WAL');
    writer.exec('PRAGMA synchronous = FULL');
    writer.exec('PRAGMA temp_store = MEMORY');
    return writer;
  } catch (error) {
    writer.close();
    throw error;
  }
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
