import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { readRunFile, runFile } from '../shim/run-files.ts';
import type { JobWatch } from './job-watch.ts';
import type { GoneCause } from './pod-state.ts';

/** How often the cluster is asked about a run that the watch does not see alive; ms. */
const lookMs = 1_000;
const causes: readonly string[] = ['ended', 'oom', 'evicted', 'deleted'] satisfies readonly GoneCause[];

/** What is watched. */
export interface RunWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly watch: JobWatch;
  /** name of the job */
  readonly job: string;
  /** of the run */
  readonly directory: string;
}

/**
 * Knows whether anything of one run is alive, and if not, why. A cluster that is away tells nothing: the run counts as
 * alive until it is back.
 */
export class RunWatch {
  readonly #parts: RunWatchParts;
  #cause: GoneCause | null;
  #lookAt = Number.NEGATIVE_INFINITY;

  constructor(parts: RunWatchParts) {
    this.#parts = parts;
    const noted = readRunFile(parts.directory, runFile.podGone)?.trim() ?? '';
    this.#cause = causes.includes(noted) ? (noted as GoneCause) : null;
  }

  /** Why nothing is alive; null while something is, or nobody knows. */
  get cause(): GoneCause | null {
    return this.#cause;
  }

  /** Whether nothing of the run is alive any more. */
  async isGone(): Promise<boolean> {
    const { clock, watch, job } = this.#parts;
    if (this.#cause !== null || watch.isSeenAlive(job)) return this.#cause !== null;
    const now = clock.monotonicMs();
    if (!watch.isCurrent || now < this.#lookAt) return false;
    this.#lookAt = now + lookMs;
    await this.look();
    return this.#cause !== null;
  }

  /** Asks the cluster now, and writes down why the run is gone, if it is. */
  async look(): Promise<void> {
    const { directory, job, log, watch } = this.#parts;
    if (this.#cause !== null) return;
    try {
      const { sight } = await watch.look(job);
      if (sight === 'coming' || sight === 'alive') return;
      this.#cause = sight;
      const file = join(directory, runFile.podGone);
      if (!existsSync(file)) writeFileSync(file, `${sight}\n`, { mode: 0o600 });
    } catch (error) {
      log.debug('the cluster does not tell of a job, or there is no room for a note', { job, error });
    }
  }
}
