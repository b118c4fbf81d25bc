import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Run } from '../executor.ts';

/** How long the end of the agent waits for what is being taken away; ms. */
const lastWorkMs = 5_000;

/** What goes on in an executor: starts, of which each run directory has one at a time, and work behind the calls. */
export class ExecutorWork {
  readonly #clock: Clock;
  readonly #starting = new Map<string, Promise<Run>>();
  readonly #work = new Set<Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts a run, or joins in the start of this directory that is under way. */
  start(directory: string, begin: () => Promise<Run>): Promise<Run> {
    const other = this.#starting.get(directory);
    if (other !== undefined) return other;
    const start = begin().finally(() => this.#starting.delete(directory));
    this.#starting.set(directory, start);
    return start;
  }

  /** Remembers work until it is done. @param work  never rejects */
  keep(work: Promise<void>): void {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }

  /** Waits for the work that is not done, for 5 s at most. */
  async settle(): Promise<void> {
    const waiting = new AbortController();
    const late = this.#clock.sleep(lastWorkMs, waiting.signal).catch(() => {});
    await Promise.race([Promise.allSettled(this.#work), late]);
    waiting.abort();
  }
}
