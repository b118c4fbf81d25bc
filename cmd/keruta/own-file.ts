/** Small files of the user: read and replaced with care. */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { ConflictError } from '../../internal/domain/errors.ts';

/**
 * Reads a file that this user may replace.
 * @returns null when there is none
 * @param option  the one that names the file, for the message
 * @throws {ConflictError} KERUTA_ERR_DIRECTORY when it is a link or no regular file
 */
export function readOwnFile(path: string, option = '--config'): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return null;
  if (!found.isFile()) {
    const kind = found.isSymbolicLink() ? 'a symbolic link' : 'no regular file';
    throw new ConflictError(
      'KERUTA_ERR_DIRECTORY',
      `${path} is ${kind}; it is not written. Name the file itself by ${option}`,
    );
  }
  return readFileSync(path, 'utf8');
}

/**
 * Replaces a file at once: written beside it, made durable, renamed. Mode 0600, a new directory 0700.
 * @param suffix  makes the name of the file beside it; unguessable
 * @throws {ConflictError} KERUTA_ERR_DIRECTORY when the directory does not take it
 */
export function replaceFile(path: string, text: string, suffix: string): void {
  const beside = `${path}.${suffix}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = openSync(beside, 'wx', 0o600);
    try {
      // all of it: on a disk that is nearly full a single write may take a part only, without an error
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (cause) {
    rmSync(beside, { force: true });
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new ConflictError('KERUTA_ERR_DIRECTORY', `${path} cannot be written: ${why}`, { cause });
  }
}
