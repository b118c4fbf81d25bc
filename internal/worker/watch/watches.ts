/** The directories that an agent watches for the file triggers of its session. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { Random } from '../../../pkg/random/random.ts';
import type { FileEventsAnswer, FileEventsBody, WatcherAnswer, WatchWire } from '../../api/watch-shapes.ts';
import { NotFoundError } from '../../domain/errors.ts';
import { pathIgnorer } from '../../trigger/path-pattern.ts';
import { makeDirectory } from '../make-directory.ts';
import { messageOf } from '../retry.ts';
import { Arming, systemLimits, type WatchLimits } from './arming.ts';
import { type FolderState, FolderWatch } from './folder-watch.ts';
import { Journal } from './journal.ts';
import { Outbox } from './outbox.ts';
import type { RunningTask, TaskTimes } from './task-times.ts';

/** How often the server is asked what to watch; ms. Well below its `watcherLeaseMs`. */
const askEveryMs = 3_000;
/** So many events of a watch wait for the server, at most. */
const mostUnsent = 10_000;
/** A server that knows no watches is asked again this often; ms. */
const askOldEveryMs = 300_000;

/** The server, as far as watches need it. */
export interface WatchSource {
  claim(agentId: string, signal: AbortSignal): Promise<WatcherAnswer>;
  fire(triggerId: string, body: FileEventsBody, signal: AbortSignal): Promise<FileEventsAnswer>;
}

/** What it needs. */
export interface WatchesParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly source: WatchSource;
  /** stable over restarts */
  readonly agentId: string;
  /** where the state of watches is kept */
  readonly directory: string;
  /** what `~` stands for */
  readonly home: string;
  readonly times: TaskTimes;
  /** default: the system's own */
  readonly limits?: WatchLimits;
  /** events of a watch that wait for the server, at most; default 10000 */
  readonly maxUnsent?: number;
}

/** How a watch is. */
export interface WatchStatus {
  readonly workflow: string;
  readonly trigger: string;
  readonly path: string;
  readonly state: FolderState;
  /** why it is not watched, or what else should be known */
  readonly note: string | null;
  /** files that match */
  readonly files: number;
  /** events that the server has taken since the agent began */
  readonly events: number;
  /** events that it has not taken yet */
  readonly unsent: number;
}

interface Held {
  readonly text: string;
  readonly watch: WatchWire;
  readonly folder: FolderWatch;
  readonly status: () => WatchStatus;
  /** Ends it, and waits for that. */
  readonly stop: () => Promise<void>;
}

/** Keeps the watches of a session as the server says. */
export class Watches {
  readonly #parts: WatchesParts;
  readonly #held = new Map<string, Held>();
  #heldBy: string | null = null;

  constructor(parts: WatchesParts) {
    this.#parts = parts;
  }

  status(): WatchStatus[] {
    return [...this.#held.values()].map(({ status }) => status());
  }

  /** Works until the signal ends it, and closes what it opened. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, source, log, agentId, times } = this.#parts;
    const unlisten = times.listen((running, at) => this.#note(running, at));
    while (!signal.aborted) {
      let pauseMs = askEveryMs;
      try {
        const { watches, heldBy } = await source.claim(agentId, signal);
        this.#tell(heldBy);
        await this.#become(watches);
        if (heldBy === null) this.#tidy(watches);
      } catch (error) {
        if (error instanceof NotFoundError) pauseMs = askOldEveryMs;
        else if (!signal.aborted)
          log.debug('the watches could not be asked for', { error: messageOf(error) });
      }
      await clock.sleep(pauseMs, signal).catch(() => {});
    }
    unlisten();
    await this.#become([]);
  }

  #note(running: RunningTask | null, at: number): void {
    for (const { folder, watch } of this.#held.values()) folder.note(ownTask(watch, running), at);
  }

  #tell(heldBy: string | null): void {
    if (heldBy !== null && this.#heldBy === null)
      this.#parts.log.info('another agent of the session watches its files', { agentId: heldBy });
    this.#heldBy = heldBy;
  }

  async #become(watches: readonly WatchWire[]): Promise<void> {
    const wanted = new Map(watches.map((watch) => [watch.triggerId, watch]));
    const over = [...this.#held].filter(([id, { text }]) => JSON.stringify(wanted.get(id)) !== text);
    for (const [id] of over) this.#held.delete(id);
    await Promise.all(over.map(([, held]) => held.stop()));
    for (const watch of wanted.values()) {
      if (!this.#held.has(watch.triggerId)) this.#hold(watch);
    }
  }

  /** What was watched for a trigger that is gone, or switched off, is not made good when it comes again. */
  #tidy(watches: readonly WatchWire[]): void {
    const { directory } = this.#parts;
    const wanted = new Set(watches.map(journalName));
    const names = existsSync(directory) ? readdirSync(directory) : [];
    for (const name of names.filter((one) => one.endsWith(suffix) && !wanted.has(one)))
      rmSync(join(directory, name), { force: true });
  }

  #hold(watch: WatchWire): void {
    const { clock, random, log, source, directory, home, times } = this.#parts;
    const { limits = systemLimits, maxUnsent = mostUnsent } = this.#parts;
    const root = resolve(home, watch.path.replace(/^~(\/|$)/, `${home}$1`));
    makeDirectory(directory);
    const about = JSON.stringify([root, watch.patterns, watch.ignore]);
    const journal = new Journal(join(directory, journalName(watch)), about);
    const outbox = new Outbox({
      ...{ clock, random, log, journal, root },
      fire: (events, signal) => source.fire(watch.triggerId, { events: [...events] }, signal),
      // a look goes through all that is open: for each call that the server takes it would be one too many
      onRoom: () => {
        if (journal.unsent.length <= maxUnsent / 2) folder.look();
      },
    });
    const folder = new FolderWatch({
      ...{ clock, log, watch, root, journal, maxUnsent },
      arming: (hints) =>
        new Arming({ clock, log, root, limits, ignored: pathIgnorer(watch.ignore), ...hints }),
      onEvents: () => outbox.ring(),
    });
    for (const { running, at } of times.known()) folder.note(ownTask(watch, running), at);
    const over = new AbortController();
    const done = Promise.all([folder.run(), outbox.run(over.signal)]);
    const status = (): WatchStatus => {
      const { state, note, files } = folder.status;
      const { workflow, name: trigger } = watch;
      const counts = { files, events: outbox.taken, unsent: journal.unsent.length };
      return { workflow, trigger, path: root, state, note: note ?? outbox.lastError, ...counts };
    };
    const stop = async () => {
      folder.stop();
      over.abort();
      await done;
    };
    this.#held.set(watch.triggerId, { text: JSON.stringify(watch), watch, folder, status, stop });
  }
}

const suffix = '.journal';
const journalName = ({ triggerId }: WatchWire) => `${triggerId.replace(/[^\w-]/g, '_')}${suffix}`;

/** The id of a task that the trigger made. */
function ownTask({ workflow, name }: WatchWire, running: RunningTask | null): string | null {
  return running?.workflow === workflow && running.trigger === name ? running.id : null;
}
