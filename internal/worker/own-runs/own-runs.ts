/**
 * Agent tasks that other programs of the machine hand to the agent's own API. Each is a process of the runner under a shim, apart from
 * the tasks of the session.
 *
 * Laws, each a test:
 * - a run ends with its agent: when that is stopped, what runs is asked to end, then ended;
 * - a run whose agent died goes on, and the next agent on the same base directory finds it, or its end;
 * - so many run at once, and so many results are kept for so long, and no more.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { bootId } from '../../../pkg/process/proc.ts';
import type { Random } from '../../../pkg/random/random.ts';
import { NotFoundError, UnavailableError } from '../../domain/errors.ts';
import type { Executor, Run, RunSpec } from '../../executor/executor.ts';
import { type OwnRun, readOwnRuns, readResult, removeOwnRun, writeOwnRun } from './run-folder.ts';

/** What runs are made with. */
export interface OwnRunsParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly executor: Executor;
  /** `<base>/own-runs`; absolute; made 0700 */
  readonly root: string;
  /** between asking the processes of a run to end and ending them; ms */
  readonly graceMs: number;
}

/** What is to be run. */
export interface OwnRunWish {
  /** of its task, for people */
  readonly title: string;
  /** Writes what it needs into its directory. @returns script and environment */
  readonly prepare: (directory: string) => Promise<Pick<RunSpec, 'script' | 'env'>>;
}

/** A run, as it is told of. */
export interface OwnRunStatus extends OwnRun {
  /** of the runner, as `--json` prints it; null: it runs, or said nothing */
  readonly result: unknown;
}

/** Most that run at the same time. */
export const maxRunning = 4;
/** Most results that are kept. */
const maxKept = 100;
/** For how long they are; ms. */
const keptMs = 24 * 3600 * 1000;
/** Largest piece of a log that is read at once; bytes. */
const pieceBytes = 256 * 1024;
/** How often a run is looked at, beside its own signs; ms. */
const lookEveryMs = 1_000;

/** @see OwnRunsParts */
export class OwnRuns {
  readonly #parts: OwnRunsParts;
  readonly #records = new Map<string, OwnRun>();
  readonly #running = new Map<string, { run: Run; over: Promise<void>; isCancelled: boolean }>();
  /** runs that are about to begin */
  #starting = 0;
  readonly #closed = new AbortController();

  constructor(parts: OwnRunsParts) {
    this.#parts = parts;
  }

  /** Takes up what a former agent left. */
  async open(): Promise<void> {
    const { root, executor } = this.#parts;
    for (const record of readOwnRuns(root)) {
      this.#records.set(record.id, record);
      if (record.ended !== null) continue;
      const { runId, bootId: before, createdAt: startedAt } = record;
      const directory = join(root, record.id);
      const known = { runId, workingDirectory: directory, input: 'none' as const, bootId: before, startedAt };
      const run = await executor.attach(directory, known).catch(() => null);
      if (run === null) this.#end(record, { state: 'failed', exitCode: null });
      else this.#follow(record, run);
    }
  }

  /** Begins a run. @throws {UnavailableError} KERUTA_ERR_RATE_LIMITED: as many run as may; what `prepare` and the executor throw */
  async start({ title, prepare }: OwnRunWish): Promise<OwnRunStatus> {
    const { clock, random, executor, root } = this.#parts;
    this.#forgetOld();
    if (this.#running.size + this.#starting >= maxRunning)
      throw new UnavailableError(
        'KERUTA_ERR_RATE_LIMITED',
        `${maxRunning} runs are under way, and no more may be; say it again when one has ended`,
      );
    this.#starting++;
    try {
      const [id, runId] = [random.uuid4(), `own-${random.uuid4()}`];
      const directory = join(root, id);
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const record: OwnRun = {
        version: 1,
        id,
        runId,
        title,
        createdAt: clock.now(),
        bootId: bootId(),
        ended: null,
      };
      try {
        const { script, env } = await prepare(directory);
        writeOwnRun(directory, record);
        this.#records.set(id, record);
        const run = await executor.start({
          directory,
          runId,
          script,
          workingDirectory: directory,
          env,
          input: 'none',
        });
        this.#follow(record, run);
      } catch (error) {
        this.#records.delete(id);
        removeOwnRun(root, id);
        throw error;
      }
      return { ...record, result: null };
    } finally {
      this.#starting--;
    }
  }

  /** All runs, oldest first. */
  list(): readonly OwnRun[] {
    this.#forgetOld();
    return [...this.#records.values()];
  }

  /** @throws {NotFoundError} KERUTA_ERR_NOT_FOUND */
  get(id: string): OwnRunStatus {
    const record = this.#find(id);
    return { ...record, result: record.ended === null ? null : readResult(join(this.#parts.root, id)) };
  }

  /**
   * Reads a piece of what a run has printed. @param offset  bytes, >= 0
   * @returns the bytes from there; `isWhole`: nothing more will come behind them
   * @throws {NotFoundError} KERUTA_ERR_NOT_FOUND
   */
  async log(id: string, offset: number): Promise<{ readonly bytes: Uint8Array; readonly isWhole: boolean }> {
    const { ended } = this.#find(id);
    const { executor, root } = this.#parts;
    const run = this.#running.get(id)?.run ?? (await executor.attach(join(root, id)));
    if (run === null) return { bytes: new Uint8Array(), isWhole: true };
    const bytes = await run.read('stderr', offset, pieceBytes);
    return { bytes, isWhole: ended !== null && offset + bytes.length >= (await run.size('stderr')) };
  }

  /** Ends a run; of one that has ended its result is forgotten. @throws {NotFoundError} KERUTA_ERR_NOT_FOUND */
  async cancel(id: string): Promise<OwnRunStatus> {
    const before = this.get(id);
    const running = this.#running.get(id);
    if (running === undefined) {
      this.#records.delete(id);
      removeOwnRun(this.#parts.root, id);
      return before;
    }
    running.isCancelled = true;
    await this.#stop(running);
    return this.get(id);
  }

  /** Ends all that runs, unless they shall go on. */
  async close({ goesOn }: { readonly goesOn: boolean }): Promise<void> {
    const all = [...this.#running.values()];
    if (!goesOn)
      await Promise.all(
        all.map((running) => {
          running.isCancelled = true;
          return this.#stop(running);
        }),
      );
    this.#closed.abort(new Error('the agent ends'));
    await Promise.allSettled(all.map(({ over }) => over));
  }

  async #stop({ run, over }: { readonly run: Run; readonly over: Promise<void> }): Promise<void> {
    const { clock, graceMs } = this.#parts;
    await run.interrupt();
    await Promise.race([over, clock.sleep(graceMs)]);
    await run.kill();
    await over;
  }

  #find(id: string): OwnRun {
    const record = this.#records.get(id);
    if (record !== undefined) return record;
    throw new NotFoundError(
      'KERUTA_ERR_NOT_FOUND',
      `there is no run ${id}, or not any more: results are kept for a day`,
    );
  }

  #follow(record: OwnRun, run: Run): void {
    const entry = { run, over: Promise.resolve(), isCancelled: false };
    entry.over = this.#untilEnd(run).then(async (exitCode) => {
      if (exitCode === undefined) return;
      await run.kill();
      const state = entry.isCancelled ? 'cancelled' : exitCode === 0 ? 'completed' : 'failed';
      this.#running.delete(record.id);
      this.#end(record, { state, exitCode });
    });
    entry.over = entry.over.catch((error: unknown) => {
      this.#running.delete(record.id);
      this.#parts.log.error('a run of the local API could not be followed', { error, id: record.id });
    });
    this.#running.set(record.id, entry);
  }

  /** @returns the exit code, null for a signal; undefined: the agent ends before the run */
  async #untilEnd(run: Run): Promise<number | null | undefined> {
    const { clock } = this.#parts;
    let wake = () => {};
    const stop = run.watch(() => wake());
    try {
      for (;;) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const end = await run.ended();
        if (end !== null) return end.exitCode;
        if (this.#closed.signal.aborted) return undefined;
        const pause = new AbortController();
        const signal = AbortSignal.any([pause.signal, this.#closed.signal]);
        await Promise.race([changed, clock.sleep(lookEveryMs, signal).catch(() => {})]);
        pause.abort();
      }
    } finally {
      stop();
    }
  }

  #end(record: OwnRun, { state, exitCode }: Pick<NonNullable<OwnRun['ended']>, 'state' | 'exitCode'>): void {
    const { clock, root, log } = this.#parts;
    const ended: OwnRun = { ...record, ended: { at: clock.now(), state, exitCode } };
    this.#records.set(record.id, ended);
    try {
      writeOwnRun(join(root, record.id), ended);
    } catch (error) {
      log.warn('the end of a run could not be written down', { error, id: record.id });
    }
  }

  #forgetOld(): void {
    const { clock, root } = this.#parts;
    const ended = [...this.#records.values()].filter((record) => record.ended !== null);
    const tooMany = ended.length - maxKept;
    for (const [index, { id, ended: end }] of ended.entries()) {
      if (index >= tooMany && clock.now() - (end?.at ?? 0) < keptMs) continue;
      this.#records.delete(id);
      removeOwnRun(root, id);
    }
  }
}
