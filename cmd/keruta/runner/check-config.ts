import { InputError } from '../../../internal/domain/errors.ts';
import type { RunnerConfig } from '../../../internal/runner/runner.ts';

/**
 * Refuses what a configuration wants and nobody here does: a task that runs without the limits or the walls that were asked for is worse
 * than one that does not run.
 * @throws {InputError} KERUTA_ERR_CONFIG
 */
export function checkConfig({ executionMode, limits }: RunnerConfig): void {
  if (executionMode === 'docker') return;
  if (executionMode === 'kubernetes')
    throw new InputError(
      'KERUTA_ERR_CONFIG',
      `execution_mode: expected local-process or docker, got ${executionMode}: this version starts no jobs in a cluster`,
    );
  const asked = [
    ...(limits.memoryMb === null ? [] : ['max_memory_mb']),
    ...(limits.cpuPercent === null ? [] : ['max_cpu_percent']),
  ];
  if (asked.length === 0) return;
  throw new InputError(
    'KERUTA_ERR_CONFIG',
    `${asked.join(', ')}: this version has no limits for a task. Leave them out, and run keruta itself under systemd or in a container that has them`,
  );
}
