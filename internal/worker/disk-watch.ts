import { access, constants, statfs } from 'node:fs/promises';
import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';

/** What a file system has left. */
export interface DiskSpace {
  /** for this user; bytes */
  readonly freeBytes: number;
  /** how many more files it takes; null where it does not count them */
  readonly freeFiles: number | null;
  readonly isWritable: boolean;
}

/** Whether runs can be kept: `unknown` when the file system does not tell. */
export type DiskState = 'ok' | 'low' | 'no_files' | 'read_only' | 'unknown';

/** What a look at the disk showed. */
export interface DiskLook {
  readonly state: DiskState;
  /** null while it is not known */
  readonly freeBytes: number | null;
}

/** What a watch needs. */
export interface DiskWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly directory: string;
  /** bytes; 0 = every disk will do */
  readonly floorBytes: number;
  /** default: the machine's own answer */
  readonly measure?: (directory: string) => Promise<DiskSpace>;
}

/** A run makes some twenty files, and a few runs can be under way to their end. */
const minFreeFiles = 64;
/** How often the disk is looked at; ms. */
const lookEveryMs = 2_000;

/**
 * Watches the space of the agent's base directory. Below the floor no task is taken: a run whose output cannot be kept is
 * worse than one that waits. What runs already goes on.
 */
export class DiskWatch {
  readonly floorBytes: number;
  readonly #parts: DiskWatchParts;
  readonly #measure: (directory: string) => Promise<DiskSpace>;
  #last: DiskLook = { state: 'ok', freeBytes: null };
  #short = new AbortController();
  #looking: Promise<DiskLook> | null = null;
  #cancel: () => void = () => {};
  #listener: (look: DiskLook) => void = () => {};
  #isOver = false;

  constructor(parts: DiskWatchParts) {
    this.#parts = parts;
    this.floorBytes = parts.floorBytes;
    this.#measure = parts.measure ?? measureSpace;
  }

  /** What the last look showed. */
  get last(): DiskLook {
    return this.#last;
  }

  /** Aborted while no task may be taken; another signal once there is space again. */
  get short(): AbortSignal {
    return this.#short.signal;
  }

  /** Looks now, or joins the look that is under way. Never rejects; takes as long as the file system. */
  look(): Promise<DiskLook> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /** Hands every look to somebody, the last one at once; must not throw. Who listened before is not told any more. */
  listen(listener: (look: DiskLook) => void): void {
    this.#listener = listener;
    listener(this.#last);
  }

  /** Looks every two seconds until `stop`. */
  start(): void {
    if (this.#isOver) return;
    this.#cancel = this.#parts.clock.after(lookEveryMs, () => void this.look().then(() => this.start()));
  }

  /** Ends the watch. */
  stop(): void {
    this.#isOver = true;
    this.#cancel();
  }

  async #look(): Promise<DiskLook> {
    const { directory } = this.#parts;
    const space = await this.#measure(directory).catch(() => null);
    const look = { state: stateOf(space, this.floorBytes), freeBytes: space?.freeBytes ?? null };
    const was = mayTake(this.#last.state);
    this.#last = look;
    this.#listener(look);
    if (mayTake(look.state) === was) return look;
    const { log } = this.#parts;
    if (was) {
      log.warn('no task is taken: the disk of the base directory has too little left', {
        ...look,
        floorBytes: this.floorBytes,
        directory,
        setting: 'KERUTA_MIN_FREE_DISK',
      });
      this.#short.abort(new Error('the disk has too little left'));
    } else {
      log.info('there is space again; tasks are taken', { ...look, directory });
      this.#short = new AbortController();
    }
    return look;
  }
}

/** Judges a measurement. @param floorBytes  0 = every disk will do */
export function stateOf(space: DiskSpace | null, floorBytes: number): DiskState {
  if (space === null) return 'unknown';
  if (floorBytes === 0) return 'ok';
  if (!space.isWritable) return 'read_only';
  if (space.freeBytes < floorBytes) return 'low';
  return space.freeFiles !== null && space.freeFiles < minFreeFiles ? 'no_files' : 'ok';
}

/** What cannot be measured does not hold tasks back. */
function mayTake(state: DiskState): boolean {
  return state === 'ok' || state === 'unknown';
}

/** @throws when the directory is gone */
async function measureSpace(directory: string): Promise<DiskSpace> {
  const found = await statfs(directory);
  const isWritable = await access(directory, constants.W_OK).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'EROFS',
  );
  return {
    freeBytes: found.bavail * found.bsize,
    // some file systems (btrfs) have no number of files
    freeFiles: found.files === 0 ? null : found.ffree,
    isWritable,
  };
}
