import { KerutaError } from '../domain/errors.ts';
import type { EndReason, Outcome } from '../domain/outcome.ts';
import { asDiskFault } from './disk-fault.ts';
import { messageOf } from './retry.ts';

/**
 * The outcome of a task that could not be started: a failure with the reason and the error's own code, so that people
 * see it where they look for results. Not for a claim that is gone, nor for a bug.
 *
 * @param step  what failed: `checkout` of the repository, or the run itself (`refused`)
 */
export function refusal(thrown: unknown, step: Extract<EndReason, 'checkout' | 'refused'>): Outcome {
  const error = asDiskFault(thrown, 'the run');
  const code = error instanceof KerutaError ? error.code : 'KERUTA_ERR_DIRECTORY';
  const reason = code === 'KERUTA_ERR_DISK_FULL' ? 'disk' : step;
  return {
    exitCode: null,
    signal: null,
    status: 'FAILED',
    reason,
    message: messageOf(error),
    errorCode: code,
  };
}
