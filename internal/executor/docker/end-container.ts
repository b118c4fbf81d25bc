/** Ends what runs in a container, and the container. */
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Engine } from '../../../pkg/docker/engine.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { UnavailableError } from '../../domain/errors.ts';
import { explain, isAway } from './engine-faults.ts';

/** Which container is meant. */
export interface ContainerEnd {
  readonly clock: Clock;
  readonly log: Log;
  readonly engine: Engine;
  readonly name: string;
}

/** How long a killed container may take to be gone; ms. */
const goneMs = 30_000;
const [firstPauseMs, longestPauseMs] = [20, 500];

/**
 * Signals everything in a container but its first process, from inside: for engines whose processes cannot be seen here. What
 * keeps the output is deaf to all that can be ignored, and is begun anew when it is killed.
 */
export async function signalAll(
  { engine, name, log }: ContainerEnd,
  signals: readonly string[],
): Promise<void> {
  const text = signals.map((signal) => `kill -${signal} -1`).join('; ');
  try {
    await engine.exec(name, ['sh', '-c', text]);
  } catch (error) {
    log.warn('the processes of a container could not be signalled', { container: name, signals, error });
  }
}

/**
 * Kills what runs in a container (SIGKILL), removes it, and waits until it is gone; one that is not there is done.
 * @param patienceMs  for how long an engine that is away is asked again
 * @throws {UnavailableError} KERUTA_ERR_ENGINE_UNAVAILABLE, {DeniedError} KERUTA_ERR_ENGINE_DENIED
 */
export async function endContainer({ clock, engine, name }: ContainerEnd, patienceMs: number): Promise<void> {
  const from = clock.monotonicMs();
  const forMs = () => clock.monotonicMs() - from;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      await engine.remove(name);
      // somebody else may be removing it
      if ((await engine.inspect(name)) === null) return;
      if (forMs() >= goneMs) {
        throw new UnavailableError(
          'KERUTA_ERR_ENGINE_UNAVAILABLE',
          `the container engine has not removed the container ${name} within ${goneMs / 1000} s; look at its log`,
        );
      }
    } catch (error) {
      if (!isAway(error) || forMs() >= patienceMs) throw explain(error);
    }
    await clock.sleep(pauseMs);
  }
}
