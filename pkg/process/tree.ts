/** Finds and ends everything that came from one program. */
import type { Clock } from '../clock/clock.ts';
import {
  hasEnvironmentEntry,
  isDead,
  listPids,
  type ProcessId,
  type ProcessStat,
  readStat,
  signalProcess,
} from './proc.ts';

/** What is to be ended. */
export interface TreeEnd {
  readonly clock: Clock;
  /** `NAME=value` in the environment of the program */
  readonly marker: string;
  /** the program itself when it leads a session; null: only the marker counts */
  readonly root: ProcessId | null;
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
export async function endProcesses({ clock, marker, root, graceMs }: TreeEnd): Promise<number> {
  const asked = new Set<string>();
  const forceAt = clock.monotonicMs() + graceMs;
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
    const found = findProcesses(marker, root);
    if (found === null) return root !== null && killGroup(root.pid) ? 1 : 0;
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

/** The living processes; null where there is no /proc. */
function findProcesses(marker: string, root: ProcessId | null): readonly ProcessStat[] | null {
  const pids = listPids();
  if (pids === null) return null;
  const living = pids
    .filter((pid) => pid > 1 && pid !== process.pid)
    .map(readStat)
    .filter((stat) => stat !== null)
    .filter((stat) => !isDead(stat));
  const leader = living.find(({ pid }) => pid === root?.pid);
  // as long as a session has processes its number is nobody else's; when it has none, the number may be
  const isSession = root !== null && (leader === undefined || leader.startTicks === root.startTicks);
  const isRoot = (stat: ProcessStat) => isSession && stat.session === root.pid;
  const roots = living.filter((stat) => isRoot(stat) || hasEnvironmentEntry(stat.pid, marker));
  const found = new Map(roots.map((stat) => [stat.pid, stat]));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const stat of living) if (found.has(stat.parentPid)) found.set(stat.pid, stat);
  }
  return [...found.values()];
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
