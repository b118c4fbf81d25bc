import type { Clock } from '../../../pkg/clock/clock.ts';

/** The samples of all runs of a process together take no more of its time than this. */
const maxShare = 0.05;
/** What may be used up at once after a quiet time; ms. */
const burstMs = 250;

/** What may be spent on measuring runs: a hundred of them would take a third of the loop that they share with all else. */
export class SampleBudget {
  readonly #clock: Clock;
  #leftMs = burstMs;
  #countedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#countedAt = clock.monotonicMs();
  }

  /** Whether there is time for one more. */
  isLeft(): boolean {
    const now = this.#clock.monotonicMs();
    this.#leftMs = Math.min(burstMs, this.#leftMs + (now - this.#countedAt) * maxShare);
    this.#countedAt = now;
    return this.#leftMs > 0;
  }

  /** Notes what one took; ms. */
  spend(tookMs: number): void {
    this.#leftMs -= tookMs;
  }
}

const budgets = new WeakMap<Clock, SampleBudget>();

/** The budget of this process: one for each clock. */
export function sampleBudget(clock: Clock): SampleBudget {
  const known = budgets.get(clock) ?? new SampleBudget(clock);
  budgets.set(clock, known);
  return known;
}
