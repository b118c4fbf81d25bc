import { chmodSync, lstatSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { ConflictError } from '../domain/errors.ts';
import { makeDirectory } from './make-directory.ts';

/**
 * Makes a directory 0700, or checks one that is there: a real directory (no link) of our own; its mode is set right.
 * @param uid  of this process; null where there is no such thing
 * @throws {ConflictError} KERUTA_ERR_DIRECTORY
 */
export function ownDirectory(directory: string, uid: number | null): void {
  const refuse = (what: string) =>
    new ConflictError(
      'KERUTA_ERR_DIRECTORY',
      `The agent's directory ${directory} ${what}. Expected a directory of your own that nobody else can write to; ` +
        'set KERUTA_BASE_DIR to one.',
      { details: { directory } },
    );
  if (!isAbsolute(directory)) throw refuse('is not an absolute path');
  try {
    makeDirectory(directory);
  } catch (error) {
    throw refuse(`cannot be made (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  const found = lstatSync(directory);
  if (found.isSymbolicLink() || !found.isDirectory()) throw refuse('is a link or a file');
  if (uid !== null && found.uid !== uid) throw refuse(`belongs to user ${found.uid}`);
  if ((found.mode & 0o077) !== 0) chmodSync(directory, 0o700);
}
