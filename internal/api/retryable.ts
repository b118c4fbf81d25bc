/** The one place that says what is worth another try, and how long to wait for it. */
import type { Clock } from '../../pkg/clock/clock.ts';
import { HttpConnectError, HttpTimeoutError } from '../../pkg/http/http-errors.ts';
import type { Random } from '../../pkg/random/random.ts';
import { KerutaError } from '../domain/errors.ts';

/**
 * Whether the same call may succeed later: network faults, 408, 429, 5xx and answers that cannot be read are
 * UnavailableError, and those are; every other error is the caller's or the server's last word.
 */
export function isRetryable(error: unknown): boolean {
  return error instanceof KerutaError && error.kind === 'unavailable';
}

/** Whether a call that failed may have had its effect all the same: it was sent, and nobody said that it was not taken. */
export function mayHaveHappened(error: unknown): boolean {
  if (!isRetryable(error) || !(error instanceof KerutaError)) return false;
  if (error.details.status === 429 || error.details.status === 503) return false;
  const { cause } = error;
  const isUnsent =
    cause instanceof HttpConnectError || (cause instanceof HttpTimeoutError && cause.phase === 'connect');
  return !isUnsent;
}

/** How a call is repeated. */
export interface RetryPolicy {
  readonly clock: Clock;
  readonly random: Random;
  /** how often it is repeated after the first time; null = until it succeeds or is aborted */
  readonly retries: number | null;
  /** before the first repetition; doubles each time; ms, default 500 */
  readonly firstDelayMs?: number;
  /** longest delay of our own; ms, default 60000 */
  readonly maxDelayMs?: number;
  /** longest delay that a server may ask for by Retry-After; ms, default 600000 */
  readonly maxRetryAfterMs?: number;
  /** default {@link isRetryable} */
  readonly isRetryable?: (error: unknown) => boolean;
  /** told before each wait. @param retry 1, 2, … */
  readonly onRetry?: (failure: {
    readonly error: unknown;
    readonly delayMs: number;
    readonly retry: number;
  }) => void;
}

/**
 * Does something until it succeeds, its error is not worth a repetition, or the policy or the signal ends it.
 * @throws the error of the last try; the signal's reason when it was aborted
 */
export async function retry<T>(
  policy: RetryPolicy,
  action: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const worthIt = policy.isRetryable ?? isRetryable;
  for (let count = 1; ; count++) {
    signal?.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      if (signal?.aborted || !worthIt(error)) throw error;
      if (policy.retries !== null && count > policy.retries) throw error;
      const delayMs = retryDelayMs(policy, count, error);
      policy.onRetry?.({ error, delayMs, retry: count });
      await policy.clock.sleep(delayMs, signal);
    }
  }
}

/**
 * How long to wait before repetition `count` (1, 2, …): it doubles from first to greatest, of which a random half is
 * taken off so that many agents do not come back at once; a Retry-After makes it longer, never shorter.
 */
export function retryDelayMs(policy: RetryPolicy, count: number, error?: unknown): number {
  const { firstDelayMs = 500, maxDelayMs = 60_000, maxRetryAfterMs = 600_000 } = policy;
  const full = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(count - 1, 30));
  const own = full * (0.5 + policy.random.fraction() / 2);
  const asked = error instanceof KerutaError ? error.details.retryAfterMs : undefined;
  return Math.round(typeof asked === 'number' ? Math.max(own, Math.min(asked, maxRetryAfterMs)) : own);
}
