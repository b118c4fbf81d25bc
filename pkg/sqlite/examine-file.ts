import { statSync } from 'node:fs';
import { SqliteConnection } from './connection.ts';
import { DatabaseDamagedError, sqliteCodeOf, sqliteCodes } from './errors.ts';
import { findWalLoss } from './wal-check.ts';

/** Asks a database something: gives the rows of one statement. */
export type Examine = (ask: (sql: string) => readonly unknown[]) => void;

/** Up to this size a file is checked from end to end when it is opened: a good disk reads it within half a second. */
const maxCheckedBytes = 256 * 1024 * 1024;

/**
 * Looks a database file over, read-only: closing a connection that may write would copy the log of changes into the
 * file, and a damaged one is to be left as it is, byte for byte. Nothing to look at in a file that is new.
 *
 * @param hadDatabase  whether there ought to be something in it
 * @throws {DatabaseDamagedError}
 */
export function examineFile(file: string, hadDatabase: boolean, examine: Examine | undefined): void {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes === 0) {
    if (!hadDatabase) return;
    throw new DatabaseDamagedError(
      file,
      `it is empty or gone, but ${file}.lock says that a database was kept in it; without both, a new one is made`,
    );
  }
  const loss = findWalLoss(file);
  if (loss !== null) throw new DatabaseDamagedError(file, loss);
  const connection = new SqliteConnection({ file, readOnly: true, mapError: (error) => error });
  try {
    check(connection, file, bytes);
    examine?.((sql) => connection.run(sql).rows);
  } catch (error) {
    const primary = sqliteCodeOf(error)?.primary;
    if (primary === sqliteCodes.notADatabase || primary === sqliteCodes.corrupt)
      throw new DatabaseDamagedError(file, (error as Error).message, { cause: error });
    throw error;
  } finally {
    connection.close();
  }
}

function check(connection: SqliteConnection, file: string, bytes: number): void {
  connection.run('SELECT count(*) FROM sqlite_schema');
  if (bytes > maxCheckedBytes) return;
  const [found] = connection.run('PRAGMA quick_check(1)').rows as { readonly quick_check: string }[];
  if (found?.quick_check !== 'ok') throw new DatabaseDamagedError(file, found?.quick_check ?? 'no answer');
}
