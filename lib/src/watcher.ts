import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseDuration } from '../../internal/domain/duration.ts';
import { pathIgnorer } from '../../internal/trigger/path-pattern.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { pathMatcher } from '../../pkg/glob/path-matcher.ts';
import { type FileChange, type KnownFiles, settledChanges } from './file-changes.ts';
import { type Registry, registry, type Unit } from './registry.ts';
import { runUnit } from './run-unit.ts';
import { lookAt, type ScanWish, scanDirectory } from './scan-directory.ts';
import type { RunRecord, Time } from './types.ts';
import type { FileEvent } from './watch.ts';

/** How a watcher works. */
export interface WatcherOptions {
  /** told of every run when it has ended */
  readonly onRun?: (record: RunRecord) => void;
  /** told once when a directory cannot be read, and looked at again all the same */
  readonly onProblem?: (message: string) => void;
  /** how often the directories are looked at; ms, default 500 */
  readonly everyMs?: number;
  /** default: the machine's */
  readonly time?: Time;
}

interface Watched extends ScanWish {
  readonly unit: Unit;
  readonly root: string;
  readonly events: readonly FileEvent[];
  readonly settleMs: number;
  /** whether files that are there at the first look count */
  readonly takesThose: boolean;
  /** null until the first look */
  known: KnownFiles | null;
  isBroken: boolean;
}

/**
 * Runs the functions of this process when files come or change. Looks at the directories again and again and compares: no
 * event is lost when many come at once, and a file that is replaced as a whole counts once. What happens while no watcher
 * runs is not seen; deploy the file for that.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #time: Time;
  readonly #table: Registry;
  readonly #running = new Set<Promise<unknown>>();
  readonly #queues = new Map<Unit, Promise<unknown>>();
  #stopping: AbortController | null = null;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: WatcherOptions = {}) {
    this.#options = options;
    this.#time = options.time ?? systemClock;
    this.#table = registry();
  }

  /**
   * Begins; resolves when the directories were looked at for the first time: files that come later are seen. Twice is
   * once. Keeps the process alive until `stop`.
   */
  async start(): Promise<this> {
    if (this.#stopping !== null) return this;
    this.#table.started.add('watcher');
    if (this.#table.onlyDescribes) return this;
    this.#stopping = new AbortController();
    const all = [...this.#table.units.values()].flatMap((unit) => watchedOf(unit));
    for (const one of all) await this.#look(one);
    this.#loop = this.#run(all, this.#stopping.signal);
    return this;
  }

  /** Ends: no further run begins, those under way are told by their signal, and are waited for. */
  async stop(): Promise<void> {
    this.#stopping?.abort(new DOMException('the watcher stops', 'AbortError'));
    await this.#loop;
    await Promise.all(this.#running);
    this.#stopping = null;
  }

  async #run(all: readonly Watched[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#time.sleep(this.#options.everyMs ?? 500, signal).catch(() => {});
      for (const one of all) if (!signal.aborted) await this.#look(one);
    }
  }

  async #look(one: Watched): Promise<void> {
    const files = await scanDirectory(one.root, one).catch((error: Error) => {
      if (!one.isBroken) this.#options.onProblem?.(`${one.root} cannot be watched: ${error.message}`);
      one.isBroken = true;
      return null;
    });
    if (files === null) return;
    one.isBroken = false;
    one.known ??= { taken: one.takesThose ? new Map() : files, changing: new Map() };
    const look = { files, now: this.#time.now(), settleMs: one.settleMs };
    for (const change of settledChanges(one.known, look))
      if (one.events.includes(change.kind)) this.#fire(one, change);
  }

  /** Files of one function are taken one after the other. What it does to the file itself does not fire it again. */
  #fire(one: Watched, { kind, path }: FileChange): void {
    const { unit } = one;
    const signal = this.#stopping?.signal ?? AbortSignal.abort();
    const input = join(one.root, path);
    const wish = { unit, source: 'file', dueAt: this.#time.now(), input, event: kind, signal } as const;
    const parts = { time: this.#time, table: this.#table };
    const before = this.#queues.get(unit) ?? Promise.resolve();
    const running = before.then(async () => {
      if (signal.aborted) return;
      const record = await runUnit(parts, wish);
      const after = await lookAt(input);
      if (after) one.known?.taken.set(path, after);
      this.#options.onRun?.(record);
    });
    this.#queues.set(unit, running);
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }
}

function watchedOf(unit: Unit): Watched[] {
  return unit.triggers
    .filter(({ type, enabled }) => type === 'file' && enabled !== false)
    .map((written) => ({
      unit,
      root: resolve(String(written.path).replace(/^~(?=\/|$)/, homedir())),
      counts: pathMatcher((written.patterns as readonly string[] | undefined) ?? ['**']),
      ignored: pathIgnorer((written.ignore as readonly string[] | undefined) ?? []),
      events: (written.events as readonly FileEvent[] | undefined) ?? ['create', 'modify', 'rename'],
      settleMs: parseDuration(String(written.settle ?? '2s')) ?? 2000,
      takesThose: written.onStart === 'run',
      known: null,
      isBroken: false,
    }));
}
