/** What the engine's errors mean for whoever wanted a run. */
import { EngineError } from '../../../pkg/docker/ask-engine.ts';
import type { Engine } from '../../../pkg/docker/engine.ts';
import {
  DeniedError,
  InputError,
  type KerutaError,
  NotFoundError,
  UnavailableError,
} from '../../domain/errors.ts';

/** Whether the engine could not be asked at all: nothing is known then. */
export function isAway(error: unknown): boolean {
  return error instanceof EngineError && error.kind !== 'refused';
}

/** Whether the engine refused for this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof EngineError && error.status === status;
}

/** An engine's error as one that a person can do something about; everything else as it is. */
export function explain(error: unknown): unknown {
  if (!(error instanceof EngineError)) return error;
  const options = { cause: error };
  if (error.kind === 'denied') {
    return new DeniedError(
      'KERUTA_ERR_ENGINE_DENIED',
      `${error.message}; put the user of the agent into the group of the socket (\`docker\`, most often), or set DOCKER_HOST to an engine of its own`,
      options,
    );
  }
  if (error.kind === 'unreachable') {
    return new UnavailableError(
      'KERUTA_ERR_ENGINE_UNAVAILABLE',
      `${error.message}; start the engine, or set DOCKER_HOST to where it listens; the task can be tried again`,
      options,
    );
  }
  const hint = error.reason.includes('bind source path does not exist')
    ? '; what runs need is mounted at its own path, so the engine must be one of this machine'
    : '';
  return new InputError('KERUTA_ERR_CONTAINER_REFUSED', `${error.message}${hint}`, options);
}

/** Says that an image is not there, and how it comes. */
export function imageMissing(image: string, { address }: Engine): KerutaError {
  return new NotFoundError(
    'KERUTA_ERR_IMAGE_MISSING',
    `the container engine at ${address.text} has no image ${image}; run \`docker -H ${address.text} pull ${image}\`, or set docker.pull`,
    { details: { image } },
  );
}
