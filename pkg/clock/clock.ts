/**
 * Time as a thing that is passed in, so that tests own it.
 * @see tailscale tstime/tstime.go, whose Clock this follows
 */
export interface Clock {
  /** Wall clock; epoch ms. May jump either way. For stamps that people read. */
  now(): number;
  /** Monotonic clock; ms from an arbitrary start, never goes back. For durations, leases and limits. */
  monotonicMs(): number;
  /**
   * Waits.
   * @param ms how long; >= 0
   * @param signal ends the wait early; the promise then rejects with the signal's reason
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `action` once after `ms`; the returned function cancels it (harmless when it already ran).
   * The timer does not keep the process alive.
   */
  after(ms: number, action: () => void): () => void;
}
