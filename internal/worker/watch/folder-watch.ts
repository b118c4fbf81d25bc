import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { type FileChange, type FileEventAnswer, maxChanges, type WatchWire } from '../../api/watch-shapes.ts';
import { messageOf } from '../retry.ts';
import { diffTables, type FileTable } from './diff.ts';
import { ignorer, matcher } from './glob.ts';
import { scanTree } from './scan.ts';
import { Settling } from './settling.ts';
import { readWatchState, type WatchState, writeWatchState } from './watch-state.ts';

/** All files are looked at anew this often, whatever was heard; ms. */
const scanEveryMs = 300_000;
/** After a fault; ms. */
const faultPauseMs = 5_000;
/** Hints that come together are one; ms. */
const gatherMs = 20;
const keptTasks = 100;

/** What a watch needs. */
export interface FolderWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  /** where its state is kept */
  readonly file: string;
  readonly watch: WatchWire;
  /** absolute */
  readonly root: string;
  readonly fire: (changes: readonly FileChange[], signal: AbortSignal) => Promise<FileEventAnswer>;
  /** the task that runs now */
  readonly runningTask: () => string | null;
  /** Makes sure that hints come. @returns how */
  readonly arm: (entries: number) => Promise<'watching' | 'polling'>;
}

/** How a watch is. */
export interface WatchStatus {
  readonly triggerId: string;
  readonly workflow: string;
  readonly path: string;
  readonly state: 'starting' | 'watching' | 'polling' | 'failed';
  readonly files: number;
  readonly entries: number;
  readonly events: number;
  readonly unsent: number;
  readonly lastError: string | null;
}

/** Watches one directory: a hint makes it look, and what differs from what it knows is an event. */
export class FolderWatch {
  readonly #parts: FolderWatchParts;
  readonly #settling: Settling;
  readonly #over = new AbortController();
  #wake = new AbortController();
  #state: WatchState;
  #isNew: boolean;
  #mode: WatchStatus['state'] = 'starting';
  #entries = 0;
  #events = 0;
  #lastError: string | null = null;
  #own = false;

  constructor(parts: FolderWatchParts) {
    const { file, root, watch } = parts;
    this.#parts = parts;
    const known = readWatchState(file, root);
    this.#isNew = known === null || watch.onStart === 'baseline';
    if (known === null && watch.onStart === 'run') this.#isNew = false;
    this.#state = known ?? { root, files: new Map(), unsent: [], tasks: [] };
    const restMs = Math.max(watch.settleMs, watch.debounceMs);
    this.#settling = new Settling({ restMs, isBatch: watch.mode === 'batch' });
  }

  status(): WatchStatus {
    const { watch, root } = this.#parts;
    return {
      ...{ triggerId: watch.triggerId, workflow: watch.workflow, path: root, state: this.#mode },
      ...{ files: this.#state.files.size, entries: this.#entries, events: this.#events },
      ...{ unsent: this.#state.unsent.length, lastError: this.#lastError },
    };
  }

  /** Looks soon: something may have changed. */
  hint(): void {
    this.#wake.abort();
  }

  stop(): void {
    this.#over.abort();
    this.#wake.abort();
  }

  /** Watches until it is stopped. Never rejects. */
  async run(): Promise<void> {
    const { clock, log, root } = this.#parts;
    while (!this.#over.signal.aborted) {
      this.#wake = new AbortController();
      let pauseMs = faultPauseMs;
      try {
        pauseMs = await this.#turn();
        this.#lastError = null;
      } catch (error) {
        if (this.#over.signal.aborted) return;
        if (this.#lastError !== messageOf(error))
          log.warn('a watched directory is not seen', { root, error });
        this.#lastError = messageOf(error);
        this.#mode = 'failed';
      }
      await clock.sleep(pauseMs, AbortSignal.any([this.#wake.signal, this.#over.signal])).catch(() => {});
      await clock.sleep(gatherMs, this.#over.signal).catch(() => {});
    }
  }

  /** @returns when to look again; ms */
  async #turn(): Promise<number> {
    const { watch, root, clock, arm } = this.#parts;
    const wish = { root, matches: matcher(watch.patterns), ignored: ignorer(watch.ignore) };
    const { maxEntries } = watch;
    const look = () => scanTree({ ...wish, maxEntries, known: this.#state.files }, this.#over.signal);
    this.#entries = (await look()).entries;
    // what changes between arming and looking gives a hint, so the look that counts comes second
    this.#mode = await arm(this.#entries);
    const { files } = await look();
    const running = this.#parts.runningTask();
    const isOwn = running !== null && this.#state.tasks.includes(running);
    if (isOwn || this.#own || this.#isNew) {
      this.#own = isOwn;
      this.#isNew = false;
      this.#keep({ ...this.#state, files });
      return isOwn ? 100 : this.#send();
    }
    const changes = diffTables({ before: this.#state.files, after: files }, watch.events);
    const { ready, againMs } = this.#settling.look(changes, clock.monotonicMs());
    this.#take({ files, changes, ready });
    const nextMs = await this.#send();
    return Math.min(nextMs, againMs ?? scanEveryMs);
  }

  /** What came to rest is known from now on, and waits to be sent; what has not stays as it was known before. */
  #take(now: {
    readonly files: FileTable;
    readonly changes: readonly FileChange[];
    readonly ready: readonly FileChange[];
  }): void {
    const open = new Set(now.changes.flatMap(({ path, renamedFrom }) => [path, renamedFrom ?? path]));
    for (const { path, renamedFrom } of now.ready) {
      open.delete(path);
      open.delete(renamedFrom ?? path);
    }
    const files = new Map([...now.files].filter(([path]) => !open.has(path)));
    for (const path of open) {
      const before = this.#state.files.get(path);
      if (before !== undefined) files.set(path, before);
    }
    const isBatch = this.#parts.watch.mode === 'batch';
    const events = isBatch ? batches(now.ready) : now.ready.map((change) => [change]);
    if (events.length === 0 && sameTable(files, this.#state.files)) return;
    this.#keep({ ...this.#state, files, unsent: [...this.#state.unsent, ...events] });
  }

  async #send(): Promise<number> {
    for (let [event] = this.#state.unsent; event !== undefined; [event] = this.#state.unsent) {
      const { taskId } = await this.#parts.fire(event, this.#over.signal);
      this.#events++;
      const tasks = taskId === null ? this.#state.tasks : [...this.#state.tasks, taskId].slice(-keptTasks);
      this.#keep({ ...this.#state, unsent: this.#state.unsent.slice(1), tasks });
    }
    return this.#state.tasks.length === 0 ? scanEveryMs : Math.min(scanEveryMs, 60_000);
  }

  #keep(state: WatchState): void {
    writeWatchState(this.#parts.file, state);
    this.#state = state;
  }
}

function batches(changes: readonly FileChange[]): FileChange[][] {
  const count = Math.ceil(changes.length / maxChanges);
  return Array.from({ length: count }, (_, index) =>
    changes.slice(index * maxChanges, (index + 1) * maxChanges),
  );
}

const sameTable = (a: FileTable, b: FileTable) =>
  a.size === b.size && [...a].every(([path, state]) => b.get(path) === state);
