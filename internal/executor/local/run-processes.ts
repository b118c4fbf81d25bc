/**
 * Which processes belong to a run: the session of its shim, everything that carries its environment marker, holders of
 * its own pipes, and the children of all these. Other pipes are never followed, nor anything that is older than the shim.
 */
import { join } from 'node:path';
import {
  bootId,
  descriptorKey,
  fileKey,
  hasEnvironmentEntry,
  isDead,
  listPids,
  newestPid,
  type ProcessId,
  type ProcessStat,
  readStat,
} from '../../../pkg/process/proc.ts';
import { readLeader, runFile } from '../shim/run-files.ts';

/** What is known of a run when its processes are looked for. */
export interface RunTraits {
  readonly directory: string;
  readonly runId: string;
  /** of the machine when the run was started; null where it does not tell */
  readonly bootId: string | null;
  /** null before the shim has said who it is */
  readonly shim: ProcessId | null;
  /** whether the run was swept before: its session number may be somebody else's by now */
  readonly swept: boolean;
  /** the newest pid when the run was started, if that was a moment ago; null = look at every process */
  readonly newestPidBefore: number | null;
}

/** More new pids than this are not looked at one by one. */
const maxNewPids = 200;

/** The live processes of a run. */
export interface RunProcesses {
  /** the script and all that came from it */
  readonly scripts: readonly ProcessStat[];
  /** the shim, and what it needs to keep the output */
  readonly keepers: readonly ProcessStat[];
}

/** Name of the environment marker. */
export const marker = 'KERUTA_RUN_ID';

/** Looks at the whole machine once. Empty where there is no /proc, and after the machine was started anew. */
export function findRunProcesses(traits: RunTraits): RunProcesses {
  if (traits.bootId === null || traits.bootId !== bootId()) return { scripts: [], keepers: [] };
  const candidates = livingSince(traits.shim?.startTicks ?? 0, newPids(traits) ?? listPids() ?? []);
  const pipes = pipeKeys(traits.directory);
  const isShim = (stat: ProcessStat) =>
    stat.pid === traits.shim?.pid && stat.startTicks === traits.shim.startTicks;
  const shimIsAlive = candidates.some(isShim);
  const sessionIsOurs =
    traits.shim !== null &&
    (shimIsAlive || (!traits.swept && !candidates.some((stat) => stat.pid === traits.shim?.pid)));
  const belongs = (stat: ProcessStat) =>
    (sessionIsOurs && stat.session === traits.shim?.pid) ||
    hasEnvironmentEntry(stat.pid, `${marker}=${traits.runId}`) ||
    [0, 1, 2].some((descriptor) => pipes.all.has(descriptorKey(stat.pid, descriptor) ?? ''));
  const found = withChildren(candidates.filter(belongs), candidates);

  const leader = readLeader(traits.directory);
  const isKeeper = (stat: ProcessStat) =>
    isShim(stat) ||
    (shimIsAlive && stat.parentPid === traits.shim?.pid && stat.pid !== leader) ||
    pipes.output.has(descriptorKey(stat.pid, 0) ?? '');
  return {
    scripts: found.filter((stat) => !isKeeper(stat)),
    keepers: found.filter(isKeeper),
  };
}

/**
 * The pids that processes of a young run can have: that of its shim, and those given since. Looking at these alone saves
 * most of what a short run costs on a machine with many processes.
 * @returns null when the run is not young, or the numbers began anew
 */
function newPids({ newestPidBefore, shim }: RunTraits): readonly number[] | null {
  const newest = newestPidBefore === null ? null : newestPid();
  if (newest === null || newestPidBefore === null || shim === null) return null;
  const count = newest - newestPidBefore;
  if (count < 0 || count > maxNewPids) return null;
  return [shim.pid, ...Array.from({ length: count }, (_, index) => newestPidBefore + 1 + index)];
}

function livingSince(startTicks: number, pids: readonly number[]): readonly ProcessStat[] {
  return pids
    .filter((pid) => pid > 1 && pid !== process.pid)
    .map(readStat)
    .filter((stat) => stat !== null)
    .filter((stat) => stat.startTicks >= startTicks && !isDead(stat));
}

function pipeKeys(directory: string): { output: ReadonlySet<string>; all: ReadonlySet<string> } {
  const key = (name: string) => fileKey(join(directory, runFile.pipes, name));
  const output = [key('stdout'), key('stderr')].filter((found) => found !== null);
  const input = [key('stdin'), key('hold')].filter((found) => found !== null);
  return { output: new Set(output), all: new Set([...output, ...input]) };
}

function withChildren(
  roots: readonly ProcessStat[],
  candidates: readonly ProcessStat[],
): readonly ProcessStat[] {
  const found = new Map(roots.map((stat) => [stat.pid, stat]));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const stat of candidates) if (found.has(stat.parentPid)) found.set(stat.pid, stat);
  }
  return [...found.values()];
}
