import { InputError } from '../../../internal/domain/errors.ts';
import type { RunnerConfig } from '../../../internal/runner/runner.ts';

/**
 * Refuses a place in which nobody here can do a task.
 * @throws {InputError} KERUTA_ERR_CONFIG
 */
export function checkConfig({ executionMode }: RunnerConfig): void {
  if (executionMode === 'kubernetes')
    throw new InputError(
      'KERUTA_ERR_CONFIG',
      `execution_mode: expected local-process or docker, got ${executionMode}: this version starts no jobs in a cluster`,
    );
}
