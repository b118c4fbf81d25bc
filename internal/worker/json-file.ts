import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

/**
 * Writes a JSON file so that a reader sees the old content or the new one, never a part: temp file, then rename.
 * Mode 0600. Synchronous, because what follows must not begin before it is there.
 *
 * @param options.sync  whether the bytes are forced to disk first (they survive power loss); default false: they
 *                      survive the death of any process
 */
export function writeJsonFile(file: string, value: unknown, options: { readonly sync?: boolean } = {}): void {
  const temporary = `${file}.new`;
  const handle = openSync(temporary, 'w', 0o600);
  try {
    writeSync(handle, JSON.stringify(value));
    if (options.sync === true) fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(temporary, file);
}

/** Reads a JSON file; null when it is missing or is not JSON (torn by a power loss). The caller checks the shape. */
export function readJsonFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
