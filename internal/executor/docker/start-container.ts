/** Makes and starts the container of a run whose directory is written. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { ContainerSpec } from '../../../pkg/docker/container-body.ts';
import type { Engine } from '../../../pkg/docker/engine.ts';
import { InputError, UnavailableError } from '../../domain/errors.ts';
import { runFile } from '../shim/run-files.ts';
import { hasStatus } from './engine-faults.ts';

/** Which container. */
export interface ContainerStart {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly name: string;
  /** of the run */
  readonly directory: string;
  readonly spec: ContainerSpec;
}

/** How long the shim may take to say who it is once the engine has started it; ms. */
const shimMs = 60_000;
/** How often the run directory is looked at, and the engine asked meanwhile; ms. */
const [againMs, askEveryMs] = [5, 250];

/**
 * Starts it, and waits until the shim has taken the run; what cannot be started is removed.
 * @throws {EngineError}; {InputError} KERUTA_ERR_CONTAINER_REFUSED when it ended before the script began
 */
export async function startContainer(start: ContainerStart): Promise<void> {
  const { engine, name, spec, directory } = start;
  try {
    await create(engine, name, spec);
    await engine.start(name);
    await waitForShim(start);
  } catch (error) {
    // nobody waits for the engine here: what it still holds is found by its label
    await engine.remove(name).catch(() => {});
    throw error;
  } finally {
    rmSync(join(directory, runFile.environment), { force: true });
  }
}

/** A container of this name is what an earlier start left that came through too late. */
async function create(engine: Engine, name: string, spec: ContainerSpec): Promise<void> {
  try {
    await engine.create(name, spec);
  } catch (error) {
    if (!hasStatus(error, 409)) throw error;
    await engine.remove(name);
    await engine.create(name, spec);
  }
}

async function waitForShim({ clock, engine, name, directory, spec }: ContainerStart): Promise<void> {
  const hasBegun = () => existsSync(join(directory, runFile.shim));
  const from = clock.monotonicMs();
  let askAt = from + askEveryMs;
  while (!hasBegun()) {
    const now = clock.monotonicMs();
    if (now - from >= shimMs) {
      throw new UnavailableError(
        'KERUTA_ERR_ENGINE_UNAVAILABLE',
        `the container ${name} was started, but its shell did not take up the run within ${shimMs / 1000} s; the task can be tried again`,
      );
    }
    if (now >= askAt) {
      askAt = now + askEveryMs;
      const container = await engine.inspect(name);
      if (!container?.isRunning && !hasBegun()) {
        throw new InputError(
          'KERUTA_ERR_CONTAINER_REFUSED',
          `the container of the image ${spec.image} ended with ${container?.exitCode ?? 'nothing'} before the script began: its user ${spec.user ?? ''} could not write to ${directory}, or its shell could not run; see the settings docker.user and docker.image`,
        );
      }
    }
    await clock.sleep(againMs);
  }
}
