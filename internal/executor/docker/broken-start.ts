/** What became of a start that may have been broken off: by a dead agent, or by the container itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Engine } from '../../../pkg/docker/engine.ts';
import { runFile } from '../shim/run-files.ts';
import { isAway } from './engine-faults.ts';

/** Which start is meant. */
export interface BrokenStart {
  readonly clock: Clock;
  readonly engine: Engine;
  /** of the container */
  readonly name: string;
  /** of the run */
  readonly directory: string;
  /** when the run's record was written; epoch ms */
  readonly createdAt: number;
}

/** How long a request that is on its way to the engine may take to be seen; ms. */
const claimMs = 2_000;
/** How long a shim may take to say so once its container runs; ms. */
const shimMs = 30_000;
/** For how long an engine that is away is waited for; ms. */
const patienceMs = 300_000;
const againMs = 20;

/**
 * Waits until it is certain whether a start went through. A container that was made and not started, or that ended before
 * the script began, is removed: a later start makes another one.
 * @returns whether the run has begun
 * @throws {EngineError} when the engine stays away
 */
export async function settleStart({
  clock,
  engine,
  name,
  directory,
  createdAt,
}: BrokenStart): Promise<boolean> {
  const from = clock.monotonicMs();
  for (let pauseMs = againMs; ; pauseMs = Math.min(1_000, pauseMs * 2)) {
    if (existsSync(join(directory, runFile.shim))) return true;
    try {
      const container = await engine.inspect(name);
      const ageMs = clock.now() - createdAt;
      const isFresh = ageMs >= 0 && ageMs < claimMs;
      const mayBegin = container?.isRunning ? clock.monotonicMs() - from < shimMs : isFresh;
      if (existsSync(join(directory, runFile.shim))) return true;
      if (!mayBegin) {
        await engine.remove(name);
        return existsSync(join(directory, runFile.shim));
      }
    } catch (error) {
      if (!isAway(error) || clock.monotonicMs() - from >= patienceMs) throw error;
    }
    await clock.sleep(pauseMs);
  }
}
