/** What a script may use, with all that it starts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type GroupLimits,
  makeControlGroup,
  removeAbandonedGroups,
} from '../../../pkg/process/control-group.ts';
import { enterWords } from '../../../pkg/process/enter.ts';
import { DeniedError } from '../../domain/errors.ts';
import { readRunFile, runFile } from '../shim/run-files.ts';

/** Limits of a run; null: no limit. */
export interface RunLimits extends GroupLimits {
  /** files that each process may hold open */
  readonly files: number | null;
}

/** Begin of the names of control groups of runs. */
export const groupPrefix = 'keruta-run';

/** Whether the kernel has to keep a group together for these. */
export function needsGroup({ memoryBytes, cpus, processes }: GroupLimits): boolean {
  return memoryBytes !== null || cpus !== null || processes !== null;
}

/**
 * Makes the group of a run, and writes down in its directory where that is.
 * @returns words before its command, by which it enters
 * @throws {DeniedError} KERUTA_ERR_LIMITS where this machine lets us make none
 */
export function limitRun(directory: string, limits: RunLimits): readonly string[] {
  if (!needsGroup(limits)) return enterWords({ groups: [], maxFiles: limits.files });
  const groups = makeControlGroup(groupPrefix, limits);
  if (groups === null) throw noLimits();
  removeAbandonedGroups(groupPrefix, groups);
  writeFileSync(join(directory, runFile.groups), groups.join('\n'), { mode: 0o600 });
  return enterWords({ groups, maxFiles: limits.files });
}

/** The group of a run; none when it has no limits that need one. */
export function groupsOf(directory: string): readonly string[] {
  return (readRunFile(directory, runFile.groups) ?? '').split('\n').filter((line) => line !== '');
}

/** Says that limits cannot be kept, and what can be done about it. */
export function noLimits(): DeniedError {
  return new DeniedError(
    'KERUTA_ERR_LIMITS',
    'limits.memory, limits.cpus and limits.processes need control groups that the agent may make, and here it may make none: run it as root, in a systemd unit with Delegate=yes, or with executor: docker; or leave the limits out',
  );
}
