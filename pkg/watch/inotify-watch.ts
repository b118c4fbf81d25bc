import { type FSWatcher, watch } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DirectoryWatch, DirectoryWatchOptions } from './directory-watch.ts';

/** Names that are looked at together. */
const lane = 64;

/** A directory that is watched. */
interface Watched {
  readonly watcher: FSWatcher;
  /** tells it from another one that is made in its place */
  readonly identity: string;
}

/**
 * Watches a directory and all below it with one watch of the system for each directory, where the system tells which name in it
 * changed, as Linux does. A directory that comes is watched with all below it before its hint is given: what was in it
 * before is found by whoever looks at it then.
 */
export class InotifyWatch implements DirectoryWatch {
  readonly ready: Promise<void>;
  readonly #options: DirectoryWatchOptions;
  readonly #watched = new Map<string, Watched>();
  /** names that came or went, until it is known what they are */
  #met = new Set<string>();
  #isMeeting = false;
  #isOver = false;

  constructor(options: DirectoryWatchOptions) {
    this.#options = options;
    this.ready = new Promise((resolve) => {
      this.#cover(options.root).then(
        () => {
          if (!this.#isOver) resolve();
        },
        (error: unknown) => this.#fail(error),
      );
    });
  }

  async check(): Promise<void> {
    try {
      await this.#cover(this.#options.root);
    } catch (error) {
      this.#fail(error);
    }
  }

  async close(): Promise<void> {
    this.#isOver = true;
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
    this.#met.clear();
  }

  /** Watches a directory and all below it that are not watched. Each is listed when it is watched, so that none is missed. */
  async #cover(start: string): Promise<void> {
    const waiting = [start];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (!(await this.#watch(path))) continue;
      for (const entry of await listOf(path)) {
        const below = join(path, entry.name);
        if (entry.isDirectory() && !this.#options.ignored(below)) waiting.push(below);
      }
    }
  }

  /** @returns whether it is watched now; not when it is gone, or may not be read */
  async #watch(path: string): Promise<boolean> {
    const identity = await identityOf(path, path === this.#options.root);
    if (this.#isOver) return false;
    if (identity === null) {
      this.#forget(path);
      return false;
    }
    const known = this.#watched.get(path);
    if (known?.identity === identity) return true;
    known?.watcher.close();
    this.#watched.delete(path);
    try {
      const watcher = watch(path);
      watcher.on('change', (type, name) => this.#changed(path, type, name === null ? null : String(name)));
      watcher.on('error', (error) => this.#fail(error));
      this.#watched.set(path, { watcher, identity });
      return true;
    } catch (error) {
      if (isPassing(error)) return false;
      throw error;
    }
  }

  #changed(directory: string, type: string, name: string | null): void {
    if (this.#isOver) return;
    if (name === null) {
      this.#options.onHint(directory);
      return;
    }
    // so the system calls a directory that went away itself; and what has its name, which does no harm
    const isItself = type === 'rename' && name === basename(directory);
    if (isItself) {
      this.#drop(directory);
      this.#meet(directory);
    }
    const path = join(directory, name);
    if (this.#options.ignored(path)) return;
    this.#options.onHint(path);
    if (type === 'rename') this.#meet(path);
  }

  /** Finds out what came or went, one group of names after another however many there are. */
  #meet(path: string): void {
    this.#met.add(path);
    if (this.#isMeeting) return;
    this.#isMeeting = true;
    void this.#meetAll();
  }

  async #meetAll(): Promise<void> {
    while (this.#met.size > 0) {
      const all = [...this.#met];
      this.#met = new Set();
      for (let at = 0; at < all.length && !this.#isOver; at += lane)
        await Promise.all(all.slice(at, at + lane).map((path) => this.#see(path)));
    }
    this.#isMeeting = false;
  }

  async #see(path: string): Promise<void> {
    const isDirectory = (await identityOf(path, path === this.#options.root)) !== null;
    if (this.#isOver) return;
    try {
      if (isDirectory) await this.#cover(path);
      else this.#forget(path);
    } catch (error) {
      this.#fail(error);
    }
    // files gave theirs when they were heard of
    if (!this.#isOver && (isDirectory || path === this.#options.root)) this.#options.onHint(path);
  }

  /** A directory that is gone, with all below it. */
  #forget(path: string): void {
    if (!this.#watched.has(path)) return;
    this.#drop(path);
    for (const below of this.#watched.keys()) if (below.startsWith(`${path}/`)) this.#drop(below);
  }

  #drop(path: string): void {
    this.#watched.get(path)?.watcher.close();
    this.#watched.delete(path);
  }

  #fail(error: unknown): void {
    if (!this.#isOver) this.#options.onError(error instanceof Error ? error : new Error(String(error)));
  }
}

/** @returns null when there is no directory; links count as none, but for the root */
async function identityOf(path: string, isRoot: boolean): Promise<string | null> {
  try {
    const about = await (isRoot ? stat : lstat)(path, { bigint: true });
    return about.isDirectory() ? `${about.dev}:${about.ino}:${about.birthtimeNs}` : null;
  } catch {
    return null;
  }
}

/** One that went away, or may not be read, has nothing. */
async function listOf(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** What went away, or may not be read, is no fault of the watch. */
function isPassing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );
}
