import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import type { Random } from '../../pkg/random/random.ts';
import { isRetryable, retryDelayMs } from '../api/retryable.ts';
import { KerutaError } from '../domain/errors.ts';

/** What repeating needs. */
export interface RetryParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How long a refused token is left alone; ms: at most two tries a minute. */
export const deniedPauseMs = 30_000;

/** Waits between tries: they grow from `firstMs` to `capMs`; the server's own wish and a refused token make them longer. */
export class Backoff {
  readonly #parts: RetryParts;
  readonly #limits: { readonly firstMs: number; readonly capMs: number };
  #failures = 0;

  constructor(parts: RetryParts, limits: { readonly firstMs: number; readonly capMs: number }) {
    this.#parts = parts;
    this.#limits = limits;
  }

  /** Says that it went well: the next failure begins from the start. */
  reset(): void {
    this.#failures = 0;
  }

  /** How long to wait after this error; ms. */
  next(error: unknown): number {
    const policy = {
      clock: this.#parts.clock,
      random: this.#parts.random,
      retries: null,
      firstDelayMs: this.#limits.firstMs,
      maxDelayMs: this.#limits.capMs,
    };
    const waitMs = retryDelayMs(policy, ++this.#failures, error);
    return isDenied(error) ? Math.max(waitMs, deniedPauseMs) : waitMs;
  }
}

/** Whether the server refuses who we are. */
export function isDenied(error: unknown): boolean {
  return error instanceof KerutaError && error.kind === 'denied';
}

/** Whether the server no longer wants anything about this attempt: replaced, ended, or deleted with its task. */
export function isGone(error: unknown): boolean {
  const codes = [
    'KERUTA_ERR_ATTEMPT_SUPERSEDED',
    'KERUTA_ERR_ATTEMPT_NOT_FOUND',
    'KERUTA_ERR_TASK_NOT_FOUND',
    'KERUTA_ERR_SESSION_NOT_FOUND',
    'KERUTA_ERR_TASK_ENDED',
  ];
  return error instanceof KerutaError && codes.includes(error.code);
}

/** Whether repeating may help: the API is away, or refuses us for now. */
export function mayPass(error: unknown): boolean {
  return isRetryable(error) || isDenied(error);
}

/**
 * Does something until it succeeds, without limit.
 * @throws what repeating does not help, at once; the signal's reason
 */
export async function persist<T>(
  parts: RetryParts,
  what: string,
  action: { readonly signal: AbortSignal; readonly run: (signal: AbortSignal) => Promise<T> },
): Promise<T> {
  const backoff = new Backoff(parts, { firstMs: 200, capMs: 30_000 });
  for (;;) {
    action.signal.throwIfAborted();
    try {
      return await action.run(action.signal);
    } catch (error) {
      action.signal.throwIfAborted();
      if (!mayPass(error)) throw error;
      const waitMs = backoff.next(error);
      parts.log.warn(`${what} failed; it is tried again`, { error: messageOf(error), waitMs });
      await parts.clock.sleep(waitMs, action.signal);
    }
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
