/**
 * Which processes belong to a run: the session of its shim, everything that carries its environment marker, holders of
 * its own pipes, and the children of all these. Other pipes are never followed, nor anything that is older than the shim.
 */
import { processesIn } from '../../../pkg/process/control-group.ts';
import {
  bootId,
  descriptorKey,
  newestPid,
  type ProcessId,
  type ProcessStat,
  readStat,
} from '../../../pkg/process/proc.ts';
import { livingOf, lookAt, type ProcessTable, withDescendants } from '../../../pkg/process/process-table.ts';
import { marker, pipeKeys, type RunProcesses } from '../shim/process-tree.ts';
import { readLeader } from '../shim/run-files.ts';

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
  /** how old a look at the machine may be; ms; 0 = look now, and closer: who holds a pipe of the run without any other trait of it, too */
  readonly maxAgeMs: number;
  /** when the run began, or before; monotonic ms; null = not known. A look from before then does only while looks take too much */
  readonly startedAt: number | null;
}

/** More new pids than this are not looked at one by one. */
const maxNewPids = 200;

/**
 * Looks at the whole machine, once for all runs that may be told what was a moment ago. Empty where there is no /proc, and after
 * the machine was started anew.
 */
export function findRunProcesses(table: ProcessTable, traits: RunTraits): RunProcesses {
  const { shim, runId, directory } = traits;
  if (traits.bootId === null || traits.bootId !== bootId()) return { scripts: [], keepers: [] };
  const young = newPids(traits);
  const look = young === null ? table.look(traits.maxAgeMs, traits.startedAt ?? undefined) : lookAt(young);
  const since = shim?.startTicks ?? 0;
  const ofRun = (stats: readonly ProcessStat[]) => livingOf(since, stats);
  const pipes = pipeKeys(directory);
  const withItsPid = shim === null ? [] : ofRun(look.withPid(shim.pid));
  const isShim = (stat: ProcessStat) => stat.pid === shim?.pid && stat.startTicks === shim.startTicks;
  const shimIsAlive = withItsPid.some(isShim);
  const sessionIsOurs = shimIsAlive || (!traits.swept && withItsPid.length === 0);
  const roots = [
    ...(shim !== null && sessionIsOurs ? look.inSession(shim.pid) : []),
    ...look.withEntry(`${marker}=${runId}`, since),
    // three links of every process of the machine: too much for a look that only tells how a run does
    ...(traits.maxAgeMs > 0 ? [] : [...pipes.all].flatMap((key) => look.withStream(key, since))),
  ];
  const found = withDescendants(ofRun(roots), (pid) => ofRun(look.childrenOf(pid)));

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

/** The processes of a run, and who is in its control group without any other trait of it: nobody leaves that by himself. */
export function withGroup(found: RunProcesses, groups: readonly string[]): RunProcesses {
  if (groups.length === 0) return found;
  const known = new Set([...found.scripts, ...found.keepers].map(({ pid }) => pid));
  const others = processesIn(groups)
    .filter((pid) => !known.has(pid))
    .map(readStat)
    .filter((stat) => stat !== null);
  return { ...found, scripts: [...found.scripts, ...livingOf(0, others)] };
}
