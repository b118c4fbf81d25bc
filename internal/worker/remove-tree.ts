/** Removes files, also very large ones, without holding up the event loop. */
import { close, constants, lstatSync, openSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Below this giving back a file's space takes no time that anybody notices; bytes. */
const largeBytes = 16 * 1024 * 1024;

/**
 * Removes a file, or a directory with everything in it; links are not followed. Its names are gone when this returns. The
 * space of large files is given back by another thread: for ten gigabytes that takes seconds.
 * @throws the system's error; what does not exist is none
 */
export function removeTree(path: string): void {
  for (const file of filesIn(path)) unlinkLarge(file);
  rmSync(path, { recursive: true, force: true });
}

/** The regular files at and below a path, as far as they can be read. */
function filesIn(path: string): readonly string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isFile()) return [path];
  if (!stat?.isDirectory()) return [];
  try {
    return readdirSync(path).flatMap((name) => filesIn(join(path, name)));
  } catch {
    return []; // removing it says why
  }
}

/** A file that is open keeps its space when its last name goes; it is given back by the thread that closes it. */
function unlinkLarge(path: string): void {
  try {
    if (lstatSync(path).size < largeBytes) return;
    const handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      unlinkSync(path);
    } finally {
      close(handle, () => {});
    }
  } catch {
    // it is removed with the rest, or that says why not
  }
}
