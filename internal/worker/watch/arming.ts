/** Makes sure that a directory gives hints when something changes in it, or says why it does not. */
import { readdirSync, readFileSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { type DirectoryWatch, watchDirectory } from '../../../pkg/watch/directory-watch.ts';

/** After so long it is tried again to be told of changes; ms. */
const againAfterMs = 300_000;
/** The system has so long to watch all that is there, and 1 ms for each directory; ms. */
const readyMs = 60_000;
/** Share of the system's watches that may be taken. */
const mostShare = 0.8;

/**
 * File systems on which others may change files without that this machine hears of it: NFS, SMB, CIFS, 9p, FUSE, AFS, Ceph,
 * Lustre, VirtualBox. @see statfs(2)
 */
const remoteTypes = [
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x5346414f, 0x00c36400, 0x0bd00bd0,
  0x786f4256,
];

/** What the system says of watches; replaced in tests. */
export interface WatchLimits {
  /** how many one user may have; null = not known */
  readonly most: () => number | null;
  /** how many this process has */
  readonly used: () => number;
  /** for how long nothing is tried anew after a fault; ms */
  readonly againAfterMs: number;
  /** type of the file system of a path. @see statfs(2) */
  readonly fileSystem: (path: string) => Promise<number>;
}

/** @see WatchLimits */
export const systemLimits: WatchLimits = {
  ...{ most: mostWatches, used: usedWatches, againAfterMs },
  fileSystem: async (path) => (await statfs(path)).type,
};

/** What it is made with. */
export interface ArmingParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: WatchLimits;
  /** absolute */
  readonly root: string;
  /** by path relative to the root */
  readonly ignored: (relative: string) => boolean;
  readonly onHint: (path: string) => void;
  /** hints may have been missed */
  readonly onLost: () => void;
}

/** @see module */
export class Arming {
  readonly #parts: ArmingParts;
  #watch: DirectoryWatch | null = null;
  /** what the root was when it was armed */
  #root: string | null = null;
  #why: string | null = null;
  /** monotonic ms; when to try again */
  #retryAt = 0;

  constructor(parts: ArmingParts) {
    this.#parts = parts;
  }

  /** why it is looked at from time to time instead; null = it is watched, or not armed */
  get why(): string | null {
    return this.#why;
  }

  /** Whether it has to be armed: for the first time, because the root is another one, or to try again. @throws without root */
  async isDue(): Promise<boolean> {
    const now = await rootOf(this.#parts.root);
    if (this.#root !== now) return true;
    return this.#watch === null && this.#parts.clock.monotonicMs() >= this.#retryAt;
  }

  /** Arms it. @param directories  how many are there, the root included @throws when the root went away */
  async arm(directories: number, signal: AbortSignal): Promise<void> {
    await this.close();
    const { root, clock, limits } = this.#parts;
    this.#root = await rootOf(root);
    const why =
      (await remoteness(root, limits)) ??
      this.#shortage(directories) ??
      (await this.#try(directories, signal));
    if (signal.aborted || why === null) return;
    this.#retryAt = clock.monotonicMs() + limits.againAfterMs;
    if (this.#why === why) return;
    this.#why = why;
    this.#parts.log.warn('a directory cannot be watched; it is looked at from time to time instead', {
      root,
      why,
    });
  }

  /** Gives back what it took of the system. */
  async close(): Promise<void> {
    const watch = this.#watch;
    this.#watch = null;
    this.#root = null;
    await watch?.close();
  }

  /** Makes sure of what is there now. Never rejects. */
  async check(): Promise<void> {
    await this.#watch?.check();
  }

  #shortage(directories: number): string | null {
    const { most, used } = this.#parts.limits;
    const limit = most();
    const wanted = used() + directories;
    return limit === null || wanted <= limit * mostShare
      ? null
      : tooFew(`${wanted} of ${limit} watches`, wanted);
  }

  /** @returns why it failed */
  async #try(directories: number, signal: AbortSignal): Promise<string | null> {
    const { root, ignored, onHint, log, clock } = this.#parts;
    const over = new AbortController();
    let fault: string | null = null;
    const watch = watchDirectory({
      root,
      ignored: (path) => path !== root && ignored(relative(root, path)),
      onHint,
      onError: (error) => {
        fault ??= faultText(error, directories);
        over.abort();
        if (this.#watch === watch) this.#lost(fault);
      },
    });
    const deadline = clock
      .sleep(readyMs + directories, AbortSignal.any([over.signal, signal]))
      .then(() => 'it took too long until it was watched')
      .catch(() => fault);
    const why = await Promise.race([watch.ready.then(() => fault), deadline]);
    over.abort();
    if (why !== null || signal.aborted) {
      await watch.close();
      return why;
    }
    this.#watch = watch;
    if (this.#why !== null) log.info('a directory is watched again', { root });
    this.#why = null;
    return null;
  }

  #lost(why: string): void {
    const { log, root, clock, limits, onLost } = this.#parts;
    const watch = this.#watch;
    this.#watch = null;
    this.#why = why;
    this.#retryAt = clock.monotonicMs() + limits.againAfterMs;
    log.warn('a directory is no longer watched; it is looked at from time to time instead', { root, why });
    void watch?.close().catch(() => {});
    onLost();
  }
}

/** Tells a directory from another one that is made in its place. */
async function rootOf(root: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await stat(root, { bigint: true });
  return `${dev}:${ino}:${birthtimeNs}`;
}

async function remoteness(root: string, { fileSystem }: WatchLimits): Promise<string | null> {
  return remoteTypes.includes(await fileSystem(root))
    ? 'it is on a network file system, which does not tell of all changes'
    : null;
}

function faultText(error: Error, directories: number): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return tooFew('the system gives no more watches', usedWatches() + directories);
  if (code === 'EMFILE')
    return 'too many programs watch files; raise it: sysctl fs.inotify.max_user_instances=1024';
  return error.message;
}

const tooFew = (what: string, wanted: number) =>
  `${what}; raise it: sysctl fs.inotify.max_user_watches=${2 ** Math.ceil(Math.log2(Math.max(8192, wanted * 2)))}`;

function mostWatches(): number | null {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_user_watches', 'utf8'));
  } catch {
    return null;
  }
}

function usedWatches(): number {
  let used = 0;
  try {
    for (const name of readdirSync('/proc/self/fdinfo')) {
      const text = readInfo(name);
      used += text.split('\n').filter((line) => line.startsWith('inotify ')).length;
    }
  } catch {
    // not a Linux, or no /proc: then the system itself says when there are too few
  }
  return used;
}

/** A descriptor may be closed meanwhile. */
function readInfo(name: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${name}`, 'utf8');
  } catch {
    return '';
  }
}
