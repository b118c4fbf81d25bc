import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file so that a reader sees the old content or the new one, never a part: temp file `<file>.new`, then rename. Mode
 * 0600. Synchronous, because what follows must not begin before it is there.
 *
 * @param options.sync  whether the bytes are forced to disk first (they survive power loss); default false: they survive the
 *                      death of any process
 * @throws what the file system says; the file is as it was then
 */
export function replaceText(file: string, text: string, options: { readonly sync?: boolean } = {}): void {
  const temporary = `${file}.new`;
  try {
    const handle = openSync(temporary, 'w', 0o600);
    try {
      // all of it: on a disk that is nearly full a single write may take a part only, without an error
      writeFileSync(handle, text);
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
