import { homedir } from 'node:os';
import { matchesGlob, resolve } from 'node:path';
import { parseDuration } from '../../internal/domain/duration.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { type Registry, registry, type Unit } from './registry.ts';
import { runUnit } from './run-unit.ts';
import { type Found, scanDirectory } from './scan-directory.ts';
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

interface Watched {
  readonly unit: Unit;
  readonly root: string;
  readonly patterns: readonly string[];
  readonly events: readonly FileEvent[];
  readonly settleMs: number;
  /** what was taken: path and how the file was; null until the first look */
  known: Map<string, Found> | null;
  /** what has changed and must stand still first; epoch ms since when it does */
  readonly changing: Map<string, { readonly found: Found; readonly since: number }>;
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
    const files = await scanDirectory(one.root, (path) =>
      one.patterns.some((pattern) => matchesGlob(path, pattern)),
    ).catch((error: Error) => {
      if (!one.isBroken) this.#options.onProblem?.(`${one.root} cannot be watched: ${error.message}`);
      one.isBroken = true;
      return null;
    });
    if (files === null) return;
    one.isBroken = false;
    if (one.known === null) {
      const takesThose = one.unit.triggers.some(({ path, onStart }) => path && onStart === 'run');
      one.known = takesThose ? new Map() : files;
    }
    const now = this.#time.now();
    for (const [path, found] of files) this.#compare(one, { path, found, now });
    for (const path of one.known.keys()) {
      if (files.has(path)) continue;
      one.known.delete(path);
      one.changing.delete(path);
      if (one.events.includes('delete')) this.#fire(one, path, now);
    }
  }

  #compare(
    one: Watched,
    { path, found, now }: { readonly path: string; readonly found: Found; readonly now: number },
  ): void {
    const before = one.known?.get(path);
    if (before?.mark === found.mark) return void one.changing.delete(path);
    const changing = one.changing.get(path);
    const since = changing?.found.mark === found.mark ? changing.since : now;
    if (now - since < one.settleMs) return void one.changing.set(path, { found, since });
    one.changing.delete(path);
    one.known?.set(path, found);
    if (one.events.includes(before === undefined ? 'create' : 'modify')) this.#fire(one, path, now);
  }

  /** Files of one function are taken one after the other. */
  #fire({ unit, root }: Watched, path: string, dueAt: number): void {
    const signal = this.#stopping?.signal ?? AbortSignal.abort();
    const wish = { unit, source: 'file', dueAt, input: resolve(root, path), signal } as const;
    const parts = { time: this.#time, table: this.#table };
    const before = this.#queues.get(unit) ?? Promise.resolve();
    const running = before.then(async () => {
      if (signal.aborted) return;
      const record = await runUnit(parts, wish);
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
      patterns: written.patterns as readonly string[],
      events: (written.events as readonly FileEvent[] | undefined) ?? ['create', 'modify'],
      settleMs: parseDuration(String(written.settle ?? '2s')) ?? 2000,
      known: null,
      changing: new Map(),
      isBroken: false,
    }));
}
