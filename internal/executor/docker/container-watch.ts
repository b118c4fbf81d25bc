import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Container, Engine } from '../../../pkg/docker/engine.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { bootId, isAlive, type ProcessId, readProc } from '../../../pkg/process/proc.ts';
import { readProcessId, runFile } from '../shim/run-files.ts';
import { findInit } from './container-processes.ts';
import { isAway } from './engine-faults.ts';

/** How often the engine is asked about a container that is not seen otherwise; ms. */
const lookMs = 1_000;
/** How often at least while it is away; ms. */
const longestLookMs = 15_000;

/** What is watched. */
export interface WatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly engine: Engine;
  /** of the container */
  readonly name: string;
  /** of the run */
  readonly directory: string;
  /** of the machine when the run was started; null where it does not tell */
  readonly bootId: string | null;
}

/**
 * Knows whether a container lives. Where its first process can be seen that costs nothing; else, and to learn how it ended,
 * the engine is asked, now and then. An engine that is away tells nothing: the container counts as alive until it is back.
 */
export class ContainerWatch {
  readonly #parts: WatchParts;
  #init: ProcessId | null;
  #last: Container | null = null;
  #isGone = false;
  #lookAt = Number.NEGATIVE_INFINITY;
  #awayMs = 0;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    const seen = readProcessId(parts.directory, runFile.init);
    this.#init = parts.bootId !== null && parts.bootId === bootId() ? seen : null;
  }

  /** Its first process, as far as it was ever seen here; it may have ended. */
  get init(): ProcessId | null {
    return this.#init;
  }

  /** What the engine said last; null before that, and when there was no container. */
  get last(): Container | null {
    return this.#last;
  }

  /** Whether nothing of the container is alive any more. */
  async isGone(): Promise<boolean> {
    if (this.#isGone || this.isSeenAlive()) return this.#isGone;
    const now = this.#parts.clock.monotonicMs();
    if (now < this.#lookAt) return false;
    this.#lookAt = now + lookMs;
    await this.look();
    return this.#isGone;
  }

  /** Whether its first process is there to be seen. */
  isSeenAlive(): boolean {
    return this.#init !== null && isAlive(this.#init);
  }

  /** Asks the engine now. @returns null when it is away, or there is no such container */
  async look(): Promise<Container | null> {
    const { engine, name, directory, clock, log } = this.#parts;
    try {
      const found = await engine.inspect(name);
      if (this.#awayMs > 0) log.info('the container engine is back', { container: name });
      this.#awayMs = 0;
      this.#isGone = found === null || (!found.isRunning && found.status !== 'created');
      this.#last = found ?? this.#last;
      if (found?.isRunning) this.#see(found.pid, directory);
      return found;
    } catch (error) {
      if (this.#awayMs === 0)
        log.warn('the container engine cannot be asked; the run goes on', { container: name, error });
      if (!isAway(error))
        log.debug('the container engine refuses to tell of a container', { container: name, error });
      this.#awayMs = Math.min(longestLookMs, Math.max(lookMs, this.#awayMs * 2));
      this.#lookAt = clock.monotonicMs() + this.#awayMs;
      return null;
    }
  }

  #see(pid: number, directory: string): void {
    const init = findInit(pid, directory);
    if (init === null) return;
    this.#init = init;
    const file = join(directory, runFile.init);
    if (existsSync(file)) return;
    try {
      writeFileSync(file, readProc(`${pid}/stat`) ?? '', { mode: 0o600 });
    } catch {
      // the run directory is gone, or the disk is full: the engine can be asked again
    }
  }
}
