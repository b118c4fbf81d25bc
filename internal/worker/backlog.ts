import type { Clock } from '../../pkg/clock/clock.ts';
import { type StreamName, streamNames } from '../domain/task.ts';
import type { Run } from '../executor/executor.ts';
import type { Cursor } from './cursor.ts';

type Sizes = Readonly<Record<StreamName, number>>;

/** What a run wrote and the server has not acknowledged. */
export interface BacklogLook {
  readonly bytes: number;
  /** for how long some of it has been waiting; to about a second; 0 = nothing waits */
  readonly lagMs: number;
}

/** Sizes are looked at no more often; ms. */
const lookEveryMs = 500;

/** Measures how far delivery is behind a run. A mark is set at the end of the output; its age until it is reached is the lag. */
export class Backlog {
  readonly #clock: Clock;
  readonly #run: Pick<Run, 'size'>;
  readonly #cursor: Pick<Cursor, 'state'>;
  #mark: { readonly sizes: Sizes; readonly atMs: number };
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #last: BacklogLook = { bytes: 0, lagMs: 0 };

  constructor(clock: Clock, run: Pick<Run, 'size'>, cursor: Pick<Cursor, 'state'>) {
    this.#clock = clock;
    this.#run = run;
    this.#cursor = cursor;
    this.#mark = { sizes: { stdout: 0, stderr: 0 }, atMs: clock.monotonicMs() };
  }

  /** Looks, unless it did just now. What cannot be looked at is as it was. */
  async look(): Promise<BacklogLook> {
    const now = this.#clock.monotonicMs();
    if (now - this.#lookedAtMs < lookEveryMs) return this.#last;
    this.#lookedAtMs = now;
    try {
      const [stdout, stderr] = await Promise.all([this.#run.size('stdout'), this.#run.size('stderr')]);
      const sizes = { stdout, stderr };
      if (this.#missing(this.#mark.sizes) === 0) this.#mark = { sizes, atMs: now };
      const bytes = this.#missing(sizes);
      this.#last = { bytes, lagMs: bytes === 0 ? 0 : now - this.#mark.atMs };
    } catch {
      // the run directory is gone
    }
    return this.#last;
  }

  /** How much of this the server lacks; bytes. */
  #missing(sizes: Sizes): number {
    const { streams } = this.#cursor.state;
    return streamNames.reduce((sum, name) => sum + Math.max(0, sizes[name] - streams[name].offset), 0);
  }
}
