/**
 * A directory whose files are read and written by those who are not trusted with any other: by paths relative to it, through no link, and
 * never through a name that is closed.
 *
 * Every part of a path is opened from the descriptor of the one before it, so that nothing can be exchanged for a link on the
 * way. Where there is no /proc/self/fd, the same is done by paths; there it can, by somebody who is quick.
 */
import { constants, existsSync } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { FileRefusedError } from './read-inside.ts';

/** A name in a directory. */
export interface ClosedEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
}

/** What can be done in it. Paths have `/`, are relative, and have no `..`; `.` is the directory itself. */
export interface ClosedDirectory {
  /**
   * Reads a regular file.
   * @throws {FileRefusedError} no such file, a link, no regular file, over the limit, a path that is not taken
   */
  read(path: string, maxBytes: number): Promise<Buffer>;
  /**
   * Makes or replaces a file, whole or not at all; directories on the way are made. The mode of a file that was there stays; where it
   * had other names (hard links), those keep the old content.
   * @returns whether it was there before
   * @throws {FileRefusedError}
   */
  write(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Removes a file, or a link as such; one that is not there is no fault. @throws {FileRefusedError} */
  remove(path: string): Promise<void>;
  /** Names in a directory, without those that are closed, in the order of their code units. @throws {FileRefusedError} */
  list(path: string): Promise<readonly ClosedEntry[]>;
}

/** How it is opened. */
export interface ClosedDirectoryOptions {
  /** absolute; itself no link */
  readonly root: string;
  /** names of files and directories, at any depth, that are as if they were not there; default none */
  readonly isClosed?: (name: string) => boolean;
}

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const makeFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Most parts that a path may have. */
const mostParts = 64;

/** An open directory, and the path by which its entries are reached. */
interface Place {
  readonly handle: FileHandle;
  readonly path: string;
}

/** Opens a directory in that way. Holds nothing open between two calls. */
export function closedDirectory({ root, isClosed = () => false }: ClosedDirectoryOptions): ClosedDirectory {
  let made = 0;

  /** Does something in the directory that a path leads to, and closes it. */
  const inside = async <T>(
    parts: readonly string[],
    missing: 'make' | 'refuse',
    act: (at: string) => Promise<T>,
  ) => {
    let place = await openPlace(root);
    try {
      for (const part of parts) {
        const next = await step(place, part, missing);
        await place.handle.close();
        place = next;
      }
      return await act(place.path);
    } finally {
      await place.handle.close();
    }
  };

  const split = (path: string) => {
    const parts = partsOf(path);
    const closed = parts.find(isClosed);
    if (closed !== undefined) throw new FileRefusedError(`leads through ${closed}, which is closed`);
    return parts;
  };

  const fileAt = (path: string) => {
    const parts = split(path);
    const name = parts.at(-1);
    if (name === undefined) throw new FileRefusedError('is a directory; expected a file');
    return { parents: parts.slice(0, -1), name };
  };

  return {
    read: async (path, maxBytes) => {
      const { parents, name } = fileAt(path);
      return inside(parents, 'refuse', (at) => readRegular(`${at}/${name}`, maxBytes));
    },
    write: async (path, bytes) => {
      const { parents, name } = fileAt(path);
      return inside(parents, 'make', async (at) => {
        made += 1;
        return replace({ at, name, bytes, temporary: `.new-${process.pid}-${made}` });
      });
    },
    remove: async (path) => {
      const { parents, name } = fileAt(path);
      await inside(parents, 'refuse', (at) => rm(`${at}/${name}`, { force: true }).catch(refuse));
    },
    list: async (path) =>
      inside(split(path), 'refuse', async (at) => {
        const entries = await readdir(at, { withFileTypes: true }).catch(refuse);
        return entries
          .filter(({ name }) => !isClosed(name))
          .map((entry): ClosedEntry => ({ name: entry.name, kind: kindOf(entry) }))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
      }),
  };
}

/** Takes a path apart. @throws {FileRefusedError} absolute, with `..`, with a NUL, too deep */
function partsOf(path: string): readonly string[] {
  if (path.includes('\0')) throw new FileRefusedError('has a NUL byte; expected a path');
  if (path.startsWith('/'))
    throw new FileRefusedError('is absolute; expected a path relative to the directory');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new FileRefusedError('has "..", which is not taken');
  if (parts.length > mostParts) throw new FileRefusedError(`has more than ${mostParts} parts`);
  return parts;
}

async function openPlace(path: string): Promise<Place> {
  const handle = await open(path, directoryFlags).catch(refuse);
  return { handle, path: existsSync('/proc/self/fd') ? `/proc/self/fd/${handle.fd}` : path };
}

async function step(place: Place, name: string, missing: 'make' | 'refuse'): Promise<Place> {
  const path = `${place.path}/${name}`;
  if (missing === 'make')
    await mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') refuse(error);
    });
  return openPlace(path);
}

async function readRegular(path: string, maxBytes: number): Promise<Buffer> {
  const handle = await open(path, readFlags).catch(refuse);
  try {
    const stat = await handle.stat();
    if (!stat.isFile())
      throw new FileRefusedError(`is a ${stat.isDirectory() ? 'directory' : 'special file'}`);
    if (stat.size > maxBytes)
      throw new FileRefusedError(`has ${stat.size} bytes; expected at most ${maxBytes}`);
    const buffer = Buffer.alloc(Math.min(stat.size, maxBytes));
    let end = 0;
    while (end < buffer.length) {
      const { bytesRead } = await handle.read(buffer, end, buffer.length - end, end);
      if (bytesRead === 0) break;
      end += bytesRead;
    }
    return buffer.subarray(0, end);
  } finally {
    await handle.close();
  }
}

interface Replacement {
  readonly at: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly temporary: string;
}

async function replace({ at, name, bytes, temporary }: Replacement): Promise<boolean> {
  const [target, fresh] = [`${at}/${name}`, `${at}/${temporary}`];
  const before = await lstat(target).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? null : refuse(error),
  );
  if (before?.isSymbolicLink()) throw new FileRefusedError('is a link, which is not followed');
  if (before !== null && !before.isFile()) throw new FileRefusedError('is there, and is no regular file');
  const handle = await open(fresh, makeFlags, 0o666).catch(refuse);
  try {
    try {
      await handle.writeFile(bytes);
      if (before !== null) await handle.chmod(before.mode & 0o777);
    } finally {
      await handle.close();
    }
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { force: true });
    return refuse(error as NodeJS.ErrnoException);
  }
  return before !== null;
}

function kindOf(entry: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}): ClosedEntry['kind'] {
  if (entry.isSymbolicLink()) return 'link';
  if (entry.isDirectory()) return 'directory';
  return entry.isFile() ? 'file' : 'other';
}

const words: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  ELOOP: 'is a link, which is not followed',
  // a link too, where a directory is expected
  ENOTDIR: 'leads through a link, or through a file',
  EISDIR: 'is a directory; expected a file',
  ENXIO: 'is a special file',
  ENAMETOOLONG: 'has a name that is too long',
};

function refuse(cause: NodeJS.ErrnoException): never {
  if (cause instanceof FileRefusedError) throw cause;
  const code = cause.code ?? cause.message;
  throw new FileRefusedError(words[code] ?? `cannot be used (${code})`, { cause });
}
