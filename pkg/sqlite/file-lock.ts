import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { DatabaseInUseError, sqliteCodeOf, sqliteCodes } from './errors.ts';

/** How long to wait for a holder that is just ending; ms. It blocks, so it is short. */
const waitMs = 500;

/**
 * Holds a file for this process alone, by a lock of the operating system on `<file>.lock`: it ends with the process,
 * however that dies, so nothing is ever cleaned by hand. The lock is one that SQLite itself takes, on an empty database.
 *
 * @returns a function that lets go
 * @throws {DatabaseInUseError} when it is held already, also by this process
 */
export function holdFile(file: string): () => void {
  // SQLite gives its journal the mode of the file, so making the file private makes both private
  closeSync(openSync(`${file}.lock`, 'a', 0o600));
  const holder = new DatabaseSync(`${file}.lock`, { timeout: waitMs });
  try {
    holder.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    holder.close();
    if (sqliteCodeOf(error)?.primary === sqliteCodes.busy)
      throw new DatabaseInUseError(file, { cause: error });
    throw error;
  }
  return () => {
    if (holder.isOpen) holder.close();
  };
}
