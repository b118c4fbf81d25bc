/** Rates as buckets that fill at a steady pace: short bursts pass, a long run does not. */

/** How fast something may go. */
export interface Rate {
  /** how many may be taken per second in the long run; > 0 */
  readonly perSecond: number;
  /** how many may be taken at once after a pause; >= 1 */
  readonly burst: number;
}

/** So many keys are remembered; over it those that are full again go first, then the oldest. */
const maxKeys = 10_000;
/** A wait shorter than this is none: it comes of rounding; ms. */
const leastWaitMs = 1e-3;

/**
 * One bucket for each key, full at first.
 * @see ITU-T I.371, appendix A, the generic cell rate algorithm: one instant per key instead of a level
 */
export class TokenBuckets {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  /** when the bucket of a key is full again; monotonic, ms */
  readonly #fullAt = new Map<string, number>();

  constructor({ perSecond, burst }: Rate) {
    this.#intervalMs = 1000 / perSecond;
    this.#burstMs = burst * this.#intervalMs;
  }

  /**
   * Takes one from the bucket of a key.
   * @param now  monotonic; ms
   * @returns 0 when it was there; else how long until it is, and nothing is taken; ms
   */
  take(key: string, now: number): number {
    const known = this.#fullAt.get(key);
    const fullAt = Math.max(known ?? now, now) + this.#intervalMs;
    const waitMs = fullAt - now - this.#burstMs;
    if (waitMs > leastWaitMs) return Math.ceil(waitMs);
    if (known === undefined && this.#fullAt.size >= maxKeys) this.#forget(now);
    this.#fullAt.set(key, fullAt);
    return 0;
  }

  #forget(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key);
    for (const key of this.#fullAt.keys()) {
      if (this.#fullAt.size < maxKeys) return;
      this.#fullAt.delete(key);
    }
  }
}
