/** How much this machine itself held a process up, so that a busy machine is not taken for a slow program. */
import { readFileSync } from 'node:fs';
import { measureEventLoopDelay } from '../../../pkg/event-loop/event-loop-delay.ts';

/**
 * Watches a process and, beside it, this one, whose own loop has next to nothing to do.
 *
 * The kernel counts how long the main thread of a process was ready to run and had to wait for a processor. What of it
 * falls between three looks in a row is the most that one hold-up can owe to the machine.
 * @see kernel.org Documentation/scheduler/sched-stats.rst
 */
export class Starvation {
  readonly #pid: number;
  readonly #own = measureEventLoopDelay();
  readonly #waitedMs: number[];
  #worstMs = 0;

  /** @param pid  of the process that is measured */
  constructor(pid: number) {
    this.#pid = pid;
    this.#waitedMs = [this.#waited()];
  }

  /** Looks; to be called again and again, at least each time when something is measured. */
  look(): void {
    this.#waitedMs.push(this.#waited());
    const [first = 0, last = 0] = [this.#waitedMs.at(-4) ?? this.#waitedMs[0], this.#waitedMs.at(-1)];
    this.#worstMs = Math.max(this.#worstMs, last - first);
  }

  /** The longest time that may be the machine's fault; ms. */
  worstMs(): number {
    return Math.ceil(Math.max(this.#worstMs, this.#own.maxMs()));
  }

  stop(): void {
    this.#own.stop();
  }

  #waited(): number {
    return Number(readFileSync(`/proc/${this.#pid}/schedstat`, 'utf8').split(' ')[1] ?? 0) / 1e6;
  }
}
