import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Writes a JSON file so that a reader sees the old content or the new one, never a part: temp file, then rename.
 * Mode 0600. Synchronous, because what follows must not begin before it is there.
 *
 * @param options.sync  whether the bytes are forced to disk first (they survive power loss); default false: they
 *                      survive the death of any process
 */
export function writeJsonFile(file: string, value: unknown, options: { readonly sync?: boolean } = {}): void {
  const temporary = `${file}.new`;
  try {
    const handle = openSync(temporary, 'w', 0o600);
    try {
      // all of it: on a disk that is nearly full a single write may take a part only, without an error
      writeFileSync(handle, JSON.stringify(value));
      if (options.sync === true) fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (error) {
    discard(temporary);
    throw error;
  }
}

function discard(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // the first fault is the one to tell
  }
}

/** Reads a JSON file; null when it is missing or is not JSON (torn by a power loss). The caller checks the shape. */
export function readJsonFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
