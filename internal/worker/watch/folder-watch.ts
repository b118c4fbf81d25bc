import type { Clock } from '../../../pkg/clock/clock.ts';
import { pathMatcher } from '../../../pkg/glob/path-matcher.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { type FileChange, type FileEvent, maxChanges, type WatchWire } from '../../api/watch-shapes.ts';
import { pathIgnorer } from '../../trigger/path-pattern.ts';
import { messageOf } from '../retry.ts';
import { Wakeup } from '../wakeup.ts';
import type { Arming } from './arming.ts';
import { readChanges } from './content.ts';
import type { FileState } from './diff.ts';
import type { Journal } from './journal.ts';
import { ranAt, withRunning } from './own-runs.ts';
import { Settling } from './settling.ts';
import { scanTree, type TreeWish } from './tree.ts';
import { View } from './view.ts';

/** All files are looked at anew this often, whatever was heard; ms. */
const scanEveryMs = 300_000;
/** Between looks, where the system tells nothing; ms. */
const pollMs = 2_000;
/** After a fault; ms. */
const faultPauseMs = 2_000;
/** Hints that come together are one; ms. */
const gatherMs = 10;
/** So many hints that come together are a burst: looking at all is no more work then, and the system may have dropped others. */
const burstHints = 2_000;
/** After a burst all is looked at once more; ms. */
const calmMs = 1_000;
/** A look is followed by a rest as long as it took, of at most; ms. */
const longestRestMs = 1_000;

/** What a watch needs. */
export interface FolderWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly watch: WatchWire;
  /** absolute */
  readonly root: string;
  readonly journal: Journal;
  /** Makes what gives the hints. */
  readonly arming: (hints: {
    readonly onHint: (path: string) => void;
    readonly onLost: () => void;
  }) => Arming;
  /** so many events wait to be sent; further changes are left to be found again when some of them are */
  readonly maxUnsent: number;
  /** there is something to send */
  readonly onEvents: () => void;
}

/** How it is. */
export type FolderState = 'starting' | 'watching' | 'polling' | 'failed';

/** Watches one directory: a hint makes it look, and what differs from what it knows, once it has come to rest, is an event. */
export class FolderWatch {
  readonly #parts: FolderWatchParts;
  readonly #settling: Settling;
  readonly #arming: Arming;
  readonly #over = new AbortController();
  readonly #bell: Wakeup;
  readonly #view = new View();
  readonly #wish: TreeWish;
  /** paths that something was heard of, and when first; epoch ms */
  #hints = new Map<string, number>();
  #isLost = true;
  /** monotonic ms; of the last look at all */
  #scannedAt = 0;
  #scanMs = 0;
  /** what is there is known from now on, without being an event */
  #isBaseline: boolean;
  #state: FolderState = 'starting';
  #lastError: string | null = null;

  constructor(parts: FolderWatchParts) {
    const { clock, watch, journal, root } = parts;
    this.#parts = parts;
    this.#bell = new Wakeup(clock);
    this.#isBaseline = watch.onStart === 'baseline' || (watch.onStart === null && !journal.isKnown);
    const { settleMs, debounceMs, maxEntries } = watch;
    this.#settling = new Settling({ settleMs, debounceMs, isBatch: watch.mode === 'batch' });
    this.#wish = {
      root,
      matches: pathMatcher(watch.patterns),
      ignored: pathIgnorer(watch.ignore),
      maxEntries,
    };
    this.#arming = parts.arming({
      onHint: (path) => {
        if (!this.#hints.has(path)) this.#hints.set(path, clock.now());
        this.look();
      },
      onLost: () => {
        this.#isLost = true;
        this.look();
      },
    });
  }

  get status(): { readonly state: FolderState; readonly note: string | null; readonly files: number } {
    const note = this.#lastError ?? (this.#state === 'polling' ? this.#arming.why : this.#view.note);
    return { state: this.#state, note, files: this.#view.size };
  }

  /** Looks soon. */
  look(): void {
    this.#bell.ring();
  }

  /** Ends it; `run` returns then. */
  stop(): void {
    this.#over.abort();
    this.#bell.ring();
  }

  /** Says that a task of the trigger runs from now on, or, with null, none. @param at  epoch ms */
  note(taskId: string | null, at: number): void {
    const { journal, watch } = this.#parts;
    if (watch.ownChanges === 'run') return;
    const runs = withRunning(journal.runs, taskId, at);
    if (runs !== journal.runs) journal.keep({ at: journal.at, runs });
  }

  /** Watches until it is stopped. Never rejects. */
  async run(): Promise<void> {
    const { clock, log, root } = this.#parts;
    const { signal } = this.#over;
    while (!signal.aborted) {
      const beganAt = clock.monotonicMs();
      let pauseMs = faultPauseMs;
      try {
        pauseMs = await this.#turn();
        this.#lastError = null;
      } catch (error) {
        if (signal.aborted) break;
        this.#fail(error, log, root);
      }
      const tookMs = clock.monotonicMs() - beganAt;
      await this.#bell.wait(pauseMs);
      // a burst is looked at a few times, not once for each file
      if (this.#hints.size > 0)
        await clock.sleep(Math.min(Math.max(gatherMs, tookMs), longestRestMs), signal).catch(() => {});
    }
    await this.#arming.close().catch(() => {});
  }

  #fail(error: unknown, log: Log, root: string): void {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const message = isMissing ? `${root} is not there; it is looked for every 2 s` : messageOf(error);
    if (this.#lastError !== message) log.warn('a directory cannot be watched', { root, error: message });
    this.#lastError = message;
    this.#state = 'failed';
    this.#isLost = true;
    // what comes into a directory that was not there is new
    if (isMissing && this.#parts.watch.onStart === null) this.#isBaseline = false;
  }

  /** @returns when to look again; ms */
  async #turn(): Promise<number> {
    const { clock } = this.#parts;
    if (await this.#arming.isDue()) {
      const { directories } = await scanTree(this.#wish, this.#over.signal);
      // what changes between the two looks gives no hint before it is armed, so the look that counts comes second
      await this.#arming.arm(directories, this.#over.signal);
      this.#isLost = true;
    }
    this.#over.signal.throwIfAborted();
    const isPolling = this.#arming.why !== null;
    const everyMs = isPolling ? Math.max(pollMs, 10 * this.#scanMs) : scanEveryMs;
    await this.#see(clock.monotonicMs() - this.#scannedAt >= everyMs);
    if (this.#isBaseline) await this.#takeAll();
    this.#isBaseline = false;
    const againMs = await this.#take();
    this.#state = isPolling ? 'polling' : 'watching';
    const scanInMs = this.#isLost ? calmMs : Math.max(1, this.#scannedAt + everyMs - clock.monotonicMs());
    return Math.min(againMs ?? scanEveryMs, scanInMs);
  }

  async #see(isTime: boolean): Promise<void> {
    const { clock, journal } = this.#parts;
    const hints = this.#hints;
    this.#hints = new Map();
    const isBurst = hints.size >= burstHints;
    const isWhole = this.#isLost || isTime || isBurst || hints.has(this.#wish.root);
    if (!isWhole && hints.size === 0) return;
    const look = { wish: this.#wish, known: journal.files, clock, signal: this.#over.signal };
    if (!isWhole) {
      await this.#view.seeSome(hints, look);
      return;
    }
    this.#isLost = isBurst;
    await this.#arming.check();
    const beganAt = clock.monotonicMs();
    try {
      await this.#view.seeAll({ ...look, since: journal.at });
    } catch (error) {
      this.#isLost = true;
      throw error;
    }
    this.#scannedAt = clock.monotonicMs();
    this.#scanMs = this.#scannedAt - beganAt;
  }

  /** Takes what is there as known. */
  async #takeAll(): Promise<void> {
    const { journal, clock } = this.#parts;
    const changes = this.#view.changes(journal.files);
    const { changed, same } = await readChanges(changes, journal.files, this.#over.signal);
    journal.keep({ at: clock.now(), files: tableOf([...changed, ...same]) });
    this.#view.forget([...changed, ...same]);
  }

  /** What came to rest is known from now on, and waits to be sent. @returns when to look again; null = when something happens */
  async #take(): Promise<number | null> {
    const { journal, clock, maxUnsent, onEvents } = this.#parts;
    const open = this.#view.changes(journal.files);
    const { ready, againMs } = this.#settling.look(open, clock.monotonicMs(), (change) =>
      this.#ageOf(change),
    );
    const taken = ready.slice(0, Math.max(0, maxUnsent - journal.unsent.length));
    if (taken.length === 0) return againMs;
    const { changed, same } = await readChanges(taken, journal.files, this.#over.signal);
    const { events, others } = this.#sort(changed);
    journal.keep({ at: clock.now(), events, files: tableOf([...others, ...same]) });
    this.#view.forget([...changed, ...same]);
    if (events.length > 0) onEvents();
    if (changed.length + same.length === taken.length) return againMs;
    // some of them changed while they were read
    for (const { path } of taken) this.#hints.set(path, clock.now());
    return gatherMs;
  }

  /** Those that are to be sent, and those that nobody waits for. */
  #sort(changed: readonly FileChange[]): { readonly events: FileEvent[]; readonly others: FileChange[] } {
    const { watch, journal } = this.#parts;
    const others = changed.filter(({ kind }) => !watch.events.includes(kind));
    const foreign: FileChange[] = [];
    const own = new Map<string, FileChange[]>();
    for (const change of changed) {
      if (!watch.events.includes(change.kind)) continue;
      const taskId = ranAt(journal.runs, this.#view.spanOf(change.path));
      if (taskId === null) foreign.push(change);
      else own.set(taskId, [...(own.get(taskId) ?? []), change]);
    }
    const events: FileEvent[] =
      watch.mode === 'batch' ? batches(foreign) : foreign.map((change) => ({ changes: [change] }));
    for (const [ownTask, changes] of own)
      events.push(...batches(changes).map((event) => ({ ...event, ownTask })));
    return { events, others };
  }

  /** The time of a file is that of this machine's clock only where the system tells of changes. */
  #ageOf({ kind, path }: FileChange): number {
    if (kind === 'delete' || this.#arming.why !== null) return 0;
    const { clock } = this.#parts;
    return Math.max(0, clock.now() - this.#view.spanOf(path).from);
  }
}

function batches(changes: readonly FileChange[]): FileEvent[] {
  const count = Math.ceil(changes.length / maxChanges);
  return Array.from({ length: count }, (_, index) => ({
    changes: changes.slice(index * maxChanges, (index + 1) * maxChanges),
  }));
}

/** What changes say about files. */
function tableOf(changes: readonly FileChange[]): ReadonlyMap<string, FileState | null> {
  const table = new Map<string, FileState | null>();
  for (const { kind, path, renamedFrom, size, mtimeNs, inode, sha256 } of changes) {
    if (renamedFrom !== undefined && !table.has(renamedFrom)) table.set(renamedFrom, null);
    table.set(path, kind === 'delete' ? null : { size, mtimeNs, inode, sha256 });
  }
  return table;
}
