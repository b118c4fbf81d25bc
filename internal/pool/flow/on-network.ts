import type { Clock } from '../../../pkg/clock/clock.ts';
import { isNetworkFault } from '../../../pkg/git/git-error.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { Random } from '../../../pkg/random/random.ts';
import { retryDelayMs } from '../../domain/retry.ts';

/** What repeating needs. */
export interface NetworkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How often, and in whose name. */
export interface NetworkCall {
  /** for the log: `the push` */
  readonly what: string;
  /** repetitions after the first time; default 3 */
  readonly retries?: number;
  readonly signal?: AbortSignal;
}

const defaultRetries = 3;
/** Pauses before repetitions: they double. */
const pauses = { backoff: 'exponential', delayMs: 1_000, maxDelayMs: 30_000 } as const;

/**
 * Does something that talks to a remote, and repeats it after a pause when the network was at fault, and only then.
 * @throws what the last try threw; the signal's reason
 */
export async function onNetwork<T>(
  { clock, random, log }: NetworkParts,
  { what, retries = defaultRetries, signal }: NetworkCall,
  action: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await action(attempt);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isNetworkFault(error) || attempt > retries) throw error;
      const waitMs = retryDelayMs(pauses, attempt, random.fraction());
      log.warn(`${what} failed; it is tried again`, { error: error.message, attempt, waitMs });
      await clock.sleep(waitMs, signal);
    }
  }
}
