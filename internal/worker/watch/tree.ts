/** Looks at the files below a directory: at all of them, or at those that something was heard of. */
import { isUtf8 } from 'node:buffer';
import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileStat } from './diff.ts';

/** A file that was looked at. */
export interface SeenFile extends FileStat {
  /** when anything about it changed last, its name included; epoch ms, with fractions */
  readonly changedAt: number;
}

/** What is looked at. */
export interface TreeWish {
  readonly root: string;
  /** by path relative to the root */
  readonly matches: (relative: string) => boolean;
  readonly ignored: (relative: string) => boolean;
  /** most files and directories, also such as do not match */
  readonly maxEntries: number;
}

/** What was found. */
export interface Tree {
  readonly files: Map<string, SeenFile>;
  /** files and directories, also those that do not match */
  readonly entries: number;
  /** the root included */
  readonly directories: number;
  /** entries whose names are not UTF-8: nothing can be told of them, and they are left out */
  readonly unnamed: number;
}

/** More files and directories than a watch may have. */
export class TooManyEntriesError extends Error {
  override readonly name = 'TooManyEntriesError';
}

/** Files of a directory that are asked for at a time. */
const lane = 64;

/** Links are not followed: a loop has no end, and a link may lead anywhere. @throws when the root cannot be read */
export function scanTree(wish: TreeWish, signal: AbortSignal): Promise<Tree> {
  return scanFrom('', wish, signal);
}

/** What a look at some paths found. */
export interface Look {
  readonly found: ReadonlyMap<string, SeenFile>;
  /** paths that were looked at: at and below them is no file but the found ones */
  readonly looked: ReadonlySet<string>;
}

/** Looks at paths, absolute and below the root, and at all below them. @throws as scanTree */
export async function lookAt(paths: Iterable<string>, wish: TreeWish, signal: AbortSignal): Promise<Look> {
  const found = new Map<string, SeenFile>();
  const looked = new Set<string>();
  for (const group of lanes([...paths])) {
    signal.throwIfAborted();
    await Promise.all(
      group.map(async (path) => {
        const relative = path.slice(wish.root.length + 1);
        if (relative === '' || wish.ignored(relative)) return;
        const stat = await statOf(path);
        looked.add(path);
        if (stat === 'directory')
          for (const [below, seen] of (await scanFrom(relative, wish, signal)).files) found.set(below, seen);
        else if (stat !== null && stat !== 'file' && wish.matches(relative)) found.set(path, stat);
      }),
    );
  }
  return { found, looked };
}

async function scanFrom(start: string, wish: TreeWish, signal: AbortSignal): Promise<Tree> {
  const files = new Map<string, SeenFile>();
  const waiting = [start];
  let [entries, directories, unnamed] = [1, 0, 0];
  for (let relative = waiting.pop(); relative !== undefined; relative = waiting.pop()) {
    const asked: string[] = [];
    directories++;
    for (const entry of await list(wish.root, relative)) {
      const name = nameOf(entry);
      if (name === null) {
        unnamed++;
        continue;
      }
      const path = relative === '' ? name : `${relative}/${name}`;
      if (wish.ignored(path)) continue;
      if (++entries > wish.maxEntries) throw tooMany(wish);
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile() && wish.matches(path)) asked.push(join(wish.root, path));
    }
    for (const group of lanes(asked)) {
      signal.throwIfAborted();
      const stats = await Promise.all(group.map(statOf));
      stats.forEach((stat, index) => {
        const path = group[index];
        if (path !== undefined && stat !== null && typeof stat === 'object') files.set(path, stat);
      });
    }
    signal.throwIfAborted();
  }
  return { files, entries, directories, unnamed };
}

/** A directory that went away meanwhile is empty; the root itself is missed. */
async function list(root: string, relative: string): Promise<Dirent<Buffer>[]> {
  try {
    return await readdir(join(root, relative), { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    if (relative === '') throw error;
    return [];
  }
}

const nameOf = ({ name }: Dirent<Buffer>): string | null => (isUtf8(name) ? name.toString() : null);

/** @returns null when nothing is there; `file` for what is neither a plain file nor a directory */
async function statOf(path: string): Promise<SeenFile | 'directory' | 'file' | null> {
  try {
    const stat = await lstat(path, { bigint: true });
    if (stat.isDirectory()) return 'directory';
    if (!stat.isFile()) return 'file';
    const { size, mtimeNs, ctimeNs, ino } = stat;
    return {
      ...{ size: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) },
      changedAt: Number(ctimeNs / 1000n) / 1000,
    };
  } catch {
    return null;
  }
}

function* lanes<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += lane) yield all.slice(at, at + lane);
}

const tooMany = ({ root, maxEntries }: TreeWish) =>
  new TooManyEntriesError(
    `${root} holds more than ${maxEntries} files and directories; name a smaller directory, ignore some of it, ` +
      'or raise maxEntries of the trigger',
  );
