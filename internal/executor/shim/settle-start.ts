/** What became of a start that may have been broken off: by a dead agent, or by what holds the run. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { runFile } from './run-files.ts';

/** What holds a run: a container, or a job with its pod. */
export interface Holder {
  /** Whether it runs now, so that the script may begin. */
  readonly isRunning: () => Promise<boolean>;
  /** Takes it away, so that nothing begins in it any more; one that is not there is done. */
  readonly remove: () => Promise<void>;
  /** whether an error of the calls above says no more than that nobody could be asked */
  readonly isAway: (error: unknown) => boolean;
}

/** Which start is meant. */
export interface BrokenStart {
  readonly clock: Clock;
  readonly holder: Holder;
  /** of the run */
  readonly directory: string;
  /** when the run's record was written; epoch ms */
  readonly createdAt: number;
  /** from the first look to the second; each further pause is twice the one before, up to a second; ms */
  readonly firstPauseMs: number;
}

/** How long a request that is on its way may take to be seen; ms. */
const claimMs = 2_000;
/** How long a shim may take to say so once its holder runs, and its file to be seen here; ms. */
const shimMs = 30_000;
/** For how long who is away is waited for; ms. */
const patienceMs = 300_000;
const longestPauseMs = 1_000;

/**
 * Waits until it is certain whether a start went through. A holder that does not run, or that ended before the script began,
 * is taken away: a later start makes another one.
 * @returns whether the run has begun
 * @throws what the holder throws, when it stays away
 */
export async function settleStart(start: BrokenStart): Promise<boolean> {
  const { clock, holder, directory, createdAt } = start;
  const hasBegun = () => existsSync(join(directory, runFile.shim));
  const from = clock.monotonicMs();
  const forMs = () => clock.monotonicMs() - from;
  for (let pauseMs = start.firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    if (hasBegun()) return true;
    try {
      const isRunning = await holder.isRunning();
      const ageMs = clock.now() - createdAt;
      const isFresh = ageMs >= 0 && ageMs < claimMs;
      const mayBegin = isRunning ? forMs() < shimMs : isFresh;
      if (hasBegun()) return true;
      if (!mayBegin) {
        await holder.remove();
        return hasBegun();
      }
    } catch (error) {
      if (!holder.isAway(error) || forMs() >= patienceMs) throw error;
    }
    await clock.sleep(pauseMs);
  }
}
