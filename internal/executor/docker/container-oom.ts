import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { counterFiles, countOomKills } from '../../../pkg/process/oom.ts';
import { readProc } from '../../../pkg/process/proc.ts';
import { runFile } from '../shim/run-files.ts';
import type { ContainerWatch } from './container-watch.ts';

/** How long the engine may take to notice that a container has ended; ms. */
const noticeMs = 3_000;
const askEveryMs = 50;

/**
 * Whether the kernel took a process of a container for want of memory. The counter of its control group says so while it
 * lives, the engine once it has ended; what was found is kept beside the run, because the container is removed.
 */
export async function wasOomKilledIn(
  watch: ContainerWatch,
  { clock, directory }: { readonly clock: Clock; readonly directory: string },
): Promise<boolean> {
  const note = join(directory, runFile.oomKilled);
  if (existsSync(note)) return true;
  if (!(await looksSo(watch, clock))) return false;
  try {
    writeFileSync(note, '', { mode: 0o600 });
  } catch {
    // the run directory is gone, or the disk is full: this agent knows
  }
  return true;
}

async function looksSo(watch: ContainerWatch, clock: Clock): Promise<boolean> {
  const until = clock.monotonicMs() + noticeMs;
  for (;;) {
    const container = await watch.look();
    if (container === null) return watch.last?.isOomKilled ?? false;
    if (container.isOomKilled) return true;
    if (!container.isRunning) return false;
    const count = countIn(container.pid, container.id);
    if (count !== null) return count > 0;
    if (clock.monotonicMs() >= until) return false;
    await clock.sleep(askEveryMs);
  }
}

/** Processes taken in the control group of one container; null when that cannot be read. */
function countIn(pid: number, id: string): number | null {
  const files = counterFiles(readProc(`${pid}/cgroup`) ?? '').filter((file) => file.includes(id));
  return files.map((file) => countOomKills(file).group).find((count) => count !== null) ?? null;
}
