/** The processes of a container, where the agent can see them: all come from its first one, whatever they do. */
import { kill } from 'node:process';
import {
  descriptorKey,
  listPids,
  type ProcessId,
  type ProcessStat,
  readProc,
  readStat,
} from '../../../pkg/process/proc.ts';
import { livingOf, lookAt, withDescendants } from '../../../pkg/process/process-table.ts';
import { pipeKeys, type RunProcesses } from '../shim/process-tree.ts';
import { readRunFile, runFile } from '../shim/run-files.ts';

/**
 * The first process of a run's container as this machine sees it; null where it does not: the engine counts in a space of
 * its own, or the process is another user's, whom we could not signal.
 * @param pid  as the engine says
 */
export function findInit(pid: number, directory: string): ProcessId | null {
  const words = pid > 1 ? readProc(`${pid}/cmdline`)?.split('\0') : undefined;
  // the pid may be that of somebody else here
  if (!words?.includes(`${directory}/${runFile.script}`)) return null;
  const stat = readStat(pid);
  return stat === null || !maySignal(pid) ? null : { pid, startTicks: stat.startTicks };
}

function maySignal(pid: number): boolean {
  try {
    return kill(pid, 0);
  } catch {
    return false;
  }
}

/** Looks at all of a container. @param init  its first process */
export function findContainerProcesses(init: ProcessId, directory: string): RunProcesses {
  const look = lookAt(listPids() ?? []);
  const living = (stats: readonly ProcessStat[]) => livingOf(init.startTicks ?? 0, stats);
  const shim = living(look.withPid(init.pid)).find(({ startTicks }) => startTicks === init.startTicks);
  if (shim === undefined) return { scripts: [], keepers: [] };
  const found = withDescendants([shim], (pid) => living(look.childrenOf(pid)));
  const { output } = pipeKeys(directory);
  const holder = Number.parseInt(readRunFile(directory, runFile.holder) ?? '', 10);
  // what a script leaves behind becomes a child of the shim too, so parents tell nothing
  const isKeeper = (stat: ProcessStat) =>
    stat === shim ||
    output.has(descriptorKey(stat.pid, 0) ?? '') ||
    (stat.parentPid === shim.pid && innerPid(stat.pid) === holder);
  return { scripts: found.filter((stat) => !isKeeper(stat)), keepers: found.filter(isKeeper) };
}

/** The pid that a process has in its container; null when it is gone. */
function innerPid(pid: number): number | null {
  const last = /^NSpid:.*?(\d+)$/m.exec(readProc(`${pid}/status`) ?? '')?.[1];
  return last === undefined ? null : Number(last);
}
