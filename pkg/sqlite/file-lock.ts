import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { DatabaseInUseError, sqliteCodeOf, sqliteCodes } from './errors.ts';

/** How long to wait for a holder that is just ending, unless told otherwise; ms. It blocks, so it is short. */
const defaultWaitMs = 500;

/** A file that this process alone has. */
export interface HeldFile {
  /** whether a database was ever kept in the file: then an empty or missing one is a loss, not a beginning */
  readonly hadDatabase: boolean;
  /** Writes down, beside the file, that a database is kept in it. Durable; twice is once. */
  noteDatabase(): void;
  /** Lets go; twice is once. */
  letGo(): void;
}

/**
 * Holds a file for this process alone, by a lock of the operating system on `<file>.lock`: it ends with the process,
 * however that dies, so nothing is ever cleaned by hand. The lock is one that SQLite itself takes, on a database that
 * holds nothing but the note of `noteDatabase`.
 *
 * @param waitMs  for a holder that is just ending; blocks
 * @throws {DatabaseInUseError} when it is held already, also by this process
 */
export function holdFile(file: string, waitMs = defaultWaitMs): HeldFile {
  // SQLite gives its journal the mode of the file, so making the file private makes both private
  closeSync(openSync(`${file}.lock`, 'a', 0o600));
  const holder = new DatabaseSync(`${file}.lock`, { timeout: waitMs });
  try {
    // the lock outlives the commit of the note
    holder.exec('PRAGMA locking_mode = EXCLUSIVE');
    holder.exec('BEGIN EXCLUSIVE');
    const { user_version: noted } = holder.prepare('PRAGMA user_version').get() ?? {};
    return {
      hadDatabase: noted === 1,
      noteDatabase: () => {
        if (noted === 1) return;
        holder.exec('PRAGMA user_version = 1');
        holder.exec('COMMIT');
      },
      letGo: () => {
        if (holder.isOpen) holder.close();
      },
    };
  } catch (error) {
    holder.close();
    if (sqliteCodeOf(error)?.primary === sqliteCodes.busy)
      throw new DatabaseInUseError(file, { cause: error });
    throw error;
  }
}
