/** When an agent inside this process that ended by a fault is started again: more and more rarely while it goes on so. */
import { Backoff, type RetryParts } from '../../../internal/worker/retry.ts';

/** Before the first new start, and at most; ms. What ran for longer than the longest pause begins from the first again. */
const [firstMs, longestMs] = [1_000, 60_000];

/** Pauses between the starts of agents, by their sessions. */
export class RestartPauses {
  readonly #parts: RetryParts;
  readonly #known = new Map<string, { readonly backoff: Backoff; until: number }>();

  constructor(parts: RetryParts) {
    this.#parts = parts;
  }

  /** Notes that one ended by a fault. @param ranMs  how long it had run; ms @returns how long it rests; ms */
  failed(id: string, ranMs: number, error: unknown): number {
    const backoff = this.#known.get(id)?.backoff ?? new Backoff(this.#parts, { firstMs, capMs: longestMs });
    if (ranMs > longestMs) backoff.reset();
    const waitMs = backoff.next(error);
    this.#known.set(id, { backoff, until: this.#parts.clock.monotonicMs() + waitMs });
    return waitMs;
  }

  /** Whether its pause is over, or it needs none. */
  mayStart(id: string): boolean {
    return this.#parts.clock.monotonicMs() >= (this.#known.get(id)?.until ?? 0);
  }
}
