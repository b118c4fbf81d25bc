/** Looks at all files below a directory. */
import { createHash } from 'node:crypto';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileState, FileTable } from './diff.ts';

/** Larger files are known by size, time and inode only; bytes. */
const maxHashedBytes = 10 * 1024 * 1024;

/** What is looked at. */
export interface ScanWish {
  readonly root: string;
  /** by path relative to the root */
  readonly matches: (relative: string) => boolean;
  readonly ignored: (relative: string) => boolean;
  readonly maxEntries: number;
  /** files whose size, time and inode are as they stand here are not read again */
  readonly known: FileTable;
}

/** What was found. */
export interface Scan {
  readonly files: FileTable;
  /** files and directories, also those that do not match */
  readonly entries: number;
}

/** More files and directories than a watch may have. */
export class TooManyEntriesError extends Error {
  override readonly name = 'TooManyEntriesError';
}

/** Links are not followed: a loop has no end, and a link may lead anywhere. @throws when the root cannot be read */
export async function scanTree(wish: ScanWish, signal: AbortSignal): Promise<Scan> {
  const files = new Map<string, FileState>();
  const waiting = [''];
  let entries = 1;
  for (let relative = waiting.pop(); relative !== undefined; relative = waiting.pop()) {
    signal.throwIfAborted();
    for (const entry of await list(wish.root, relative)) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (wish.ignored(path)) continue;
      if (++entries > wish.maxEntries)
        throw new TooManyEntriesError(
          `${wish.root} holds more than ${wish.maxEntries} files and directories; name a smaller directory, ` +
            'ignore some of it, or raise maxEntries of the trigger',
        );
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile() && wish.matches(path)) {
        const whole = join(wish.root, path);
        const state = await lookAt(whole, wish.known.get(whole));
        if (state !== null) files.set(whole, state);
      }
    }
  }
  return { files, entries };
}

/** A directory that went away meanwhile is empty; the root itself is missed. */
async function list(root: string, relative: string) {
  try {
    return await readdir(join(root, relative), { withFileTypes: true });
  } catch (error) {
    if (relative === '') throw error;
    return [];
  }
}

/** @returns null when it is gone, cannot be read, or is no plain file any more */
async function lookAt(path: string, known: FileState | undefined): Promise<FileState | null> {
  try {
    const { size, mtimeNs, ino } = await lstat(path, { bigint: true });
    const state = { size: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) };
    const isKnown =
      known?.size === state.size && known.mtimeNs === state.mtimeNs && known.inode === state.inode;
    if (isKnown) return known;
    return { ...state, sha256: state.size > maxHashedBytes ? null : await hashOf(path) };
  } catch (error) {
    // one that cannot be read now has not gone
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : (known ?? null);
  }
}

async function hashOf(path: string): Promise<string> {
  const handle = await open(path);
  try {
    const hash = createHash('sha256');
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk);
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}
