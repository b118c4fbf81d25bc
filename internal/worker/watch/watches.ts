/** The directories that an agent watches for the file triggers of its session. */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { watchDirectory } from '../../../pkg/watch/directory-watch.ts';
import type { FileEventAnswer, FileEventBody, WatchWire } from '../../api/watch-shapes.ts';
import { NotFoundError } from '../../domain/errors.ts';
import { makeDirectory } from '../make-directory.ts';
import { messageOf } from '../retry.ts';
import { FolderWatch, type WatchStatus } from './folder-watch.ts';
import { ignorer } from './glob.ts';

/** How often the server is asked what to watch; ms. */
const askEveryMs = 3_000;
/** A server that knows no watches is asked again this often; ms. */
const askOldEveryMs = 300_000;
/** Between looks, where the system tells nothing; ms. */
const pollMs = 2_000;

/** The server, as far as watches need it. */
export interface WatchSource {
  list(signal: AbortSignal): Promise<readonly WatchWire[]>;
  fire(triggerId: string, body: FileEventBody, signal: AbortSignal): Promise<FileEventAnswer>;
}

/** What it needs. */
export interface WatchesParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly source: WatchSource;
  /** where the state of watches is kept */
  readonly directory: string;
  /** what `~` stands for */
  readonly home: string;
  readonly runningTask: () => string | null;
  /** how many watches one user may have; null = not known. Default: the system's own answer */
  readonly maxWatches?: () => number | null;
}

interface Held {
  readonly text: string;
  readonly folder: FolderWatch;
  readonly done: Promise<void>;
  readonly close: () => Promise<void>;
  readonly needs: () => number;
}

/** Keeps the watches of a session as the server says. */
export class Watches {
  readonly #parts: WatchesParts;
  readonly #held = new Map<string, Held>();

  constructor(parts: WatchesParts) {
    this.#parts = parts;
  }

  status(): WatchStatus[] {
    return [...this.#held.values()].map(({ folder }) => folder.status());
  }

  /** Works until the signal ends it, and closes what it opened. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, source, log } = this.#parts;
    while (!signal.aborted) {
      let pauseMs = askEveryMs;
      try {
        await this.#become(await source.list(signal));
      } catch (error) {
        if (error instanceof NotFoundError) pauseMs = askOldEveryMs;
        else if (!signal.aborted)
          log.debug('the watches could not be asked for', { error: messageOf(error) });
      }
      await clock.sleep(pauseMs, signal).catch(() => {});
    }
    await this.#become([]);
  }

  async #become(watches: readonly WatchWire[]): Promise<void> {
    const wanted = new Map(watches.map((watch) => [watch.triggerId, watch]));
    for (const [id, held] of this.#held) {
      const watch = wanted.get(id);
      if (watch !== undefined && JSON.stringify(watch) === held.text) continue;
      this.#held.delete(id);
      held.folder.stop();
      await held.done;
      await held.close();
    }
    for (const watch of wanted.values()) {
      if (!this.#held.has(watch.triggerId)) this.#held.set(watch.triggerId, this.#hold(watch));
    }
  }

  #hold(watch: WatchWire): Held {
    const { clock, log, source, directory, home, runningTask } = this.#parts;
    const root = resolve(watch.path.replace(/^~(?=\/|$)/, home));
    makeDirectory(directory);
    const isIgnored = ignorer(watch.ignore);
    let armed: {
      readonly inode: number;
      readonly how: 'watching' | 'polling';
      close(): Promise<void>;
    } | null = null;
    let needs = 0;
    let isBroken = false;
    const close = async () => {
      await armed?.close();
      armed = null;
    };
    const arm = async (entries: number) => {
      const { ino } = await stat(root);
      if (armed !== null && armed.inode === ino && !isBroken) return armed.how;
      await close();
      needs = entries;
      const how = isBroken || !this.#hasRoom(watch, entries) ? 'polling' : 'watching';
      isBroken = false;
      const hints = await watchDirectory({
        root,
        ignored: (path) => path !== root && isIgnored(relative(root, path)),
        pollMs: how === 'polling' ? pollMs : null,
        onHint: () => folder.hint(),
        onError: (error) => {
          log.warn('the system lost track of a watched directory; it is looked at anew', { error, root });
          isBroken = true;
          folder.hint();
        },
      });
      armed = { inode: ino, how, close: () => hints.close() };
      return how;
    };
    const folder = new FolderWatch({
      ...{ clock, log, watch, root, arm, runningTask },
      file: join(directory, `${watch.triggerId.replace(/[^\w-]/g, '_')}.json`),
      fire: (changes, signal) => source.fire(watch.triggerId, { changes: [...changes], omitted: 0 }, signal),
    });
    return { text: JSON.stringify(watch), folder, done: folder.run(), close, needs: () => needs };
  }

  /** Whether the watches fit below 80 % of what the system gives. */
  #hasRoom({ triggerId }: WatchWire, entries: number): boolean {
    const most = (this.#parts.maxWatches ?? readMaxWatches)();
    if (most === null) return true;
    const others = [...this.#held].filter(([id]) => id !== triggerId);
    const wanted = others.reduce((sum, [, held]) => sum + held.needs(), entries);
    if (wanted <= most * 0.8) return true;
    this.#parts.log.warn('too few watches for a directory; it is looked at every other second instead', {
      triggerId,
      wanted,
      remedy: `sysctl fs.inotify.max_user_watches=${2 ** Math.ceil(Math.log2(wanted * 2))}`,
    });
    return false;
  }
}

function readMaxWatches(): number | null {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_user_watches', 'utf8'));
  } catch {
    return null;
  }
}
