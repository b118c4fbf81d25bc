/** Finds and ends everything that came from one program. */
import { readlinkSync } from 'node:fs';
import type { Clock } from '../clock/clock.ts';
import { listPids, type ProcessId, type ProcessStat, residentBytes, signalProcess } from './proc.ts';
import { livingOf, lookAt, withDescendants } from './process-table.ts';

/** How the processes that came from one program are known: by any of these, and as children of one that is. */
export interface Tree {
  /** `NAME=value` in the environment of the program */
  readonly marker: string;
  /** the program itself when it leads a session; null: its session does not count */
  readonly root: ProcessId | null;
  /** what only they can hold open, by {@link outputsOf}; default: none */
  readonly outputs?: ReadonlySet<string>;
}

/** What is to be ended. */
export interface TreeEnd extends Tree {
  readonly clock: Clock;
  /** between the request to end and the end by force; ms */
  readonly graceMs: number;
}

const [firstWaitMs, longestWaitMs] = [2, 50];
/** How long processes that do not even end by force are waited for: they hang in the kernel; ms. */
const giveUpMs = 10_000;

/**
 * Asks every process to end (SIGTERM, and SIGCONT for stopped ones), and ends those that have not after the grace (SIGKILL), until none
 * is left. Who cannot be ended, such as a process of another user, is left alone.
 * @returns how many were found
 */
export async function endProcesses({ clock, graceMs, ...tree }: TreeEnd): Promise<number> {
  const asked = new Set<string>();
  const forceAt = clock.monotonicMs() + graceMs;
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
    const found = findProcesses(tree);
    if (found === null) return tree.root !== null && killGroup(tree.root.pid) ? 1 : 0;
    const force = clock.monotonicMs() >= forceAt;
    if (clock.monotonicMs() >= forceAt + giveUpMs) return asked.size;
    let reached = 0;
    for (const process of found) {
      const name = `${process.pid}.${process.startTicks}`;
      const isNew = !asked.has(name);
      if (!force && !isNew) {
        reached++;
        continue;
      }
      if (!signalProcess(process, force ? 'SIGKILL' : 'SIGTERM')) continue;
      if (!force) signalProcess(process, 'SIGCONT');
      asked.add(name);
      reached++;
    }
    if (reached === 0) return asked.size;
    await clock.sleep(waitMs);
  }
}

/** Memory that all of it holds now; bytes; pages that two of them share count twice; 0 where the machine does not tell. */
export function memoryOf(tree: Tree): number {
  return (findProcesses(tree) ?? []).reduce((sum, { pid }) => sum + residentBytes(pid), 0);
}

/** The living processes; null where there is no /proc. */
function findProcesses({ marker, root, outputs = new Set() }: Tree): readonly ProcessStat[] | null {
  const pids = listPids();
  if (pids === null) return null;
  const look = lookAt(pids);
  // what came from it is not older than it
  const since = root?.startTicks ?? 0;
  const living = (stats: readonly ProcessStat[]) => livingOf(since, stats);
  const leader = root === null ? undefined : living(look.withPid(root.pid))[0];
  // as long as a session has processes its number is nobody else's; when it has none, the number may be
  const isSession = leader === undefined || leader.startTicks === root?.startTicks;
  const holds = ({ pid }: ProcessStat) => [...outputsOf(pid)].some((one) => outputs.has(one));
  const roots = [
    ...(root !== null && isSession ? look.inSession(root.pid) : []),
    ...look.withEntry(marker, since),
    ...(outputs.size === 0 ? [] : living(look.stats).filter(holds)),
  ];
  return withDescendants(living(roots), (pid) => living(look.childrenOf(pid)));
}

/** What a process prints to, as far as it is no file and ours to see: Node gives its children sockets, which have names. */
export function outputsOf(pid: number): ReadonlySet<string> {
  return new Set([1, 2].map((descriptor) => socketOf(pid, descriptor)).filter((name) => name !== null));
}

function socketOf(pid: number, descriptor: number): string | null {
  try {
    const link = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
    return link.startsWith('socket:') ? link : null;
  } catch {
    return null;
  }
}

/**
 * Ends a process group at once (SIGKILL), without a look at who is in it.
 * @param leader  its pid, of a process that was not waited for yet
 * @returns false when there is none
 */
export function killGroup(leader: number): boolean {
  try {
    return process.kill(-leader, 'SIGKILL');
  } catch {
    return false;
  }
}
