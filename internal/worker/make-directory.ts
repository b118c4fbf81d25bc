import { mkdirSync } from 'node:fs';

/**
 * Makes a directory and those above it, 0700; one that is there is left as it is. On a read-only file system Node's own
 * recursive call says ENOENT; this one says what is the matter.
 */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(directory, { mode: 0o700 });
  }
}
