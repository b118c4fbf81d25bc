/** The processes of a run, as /proc shows them, whatever its shim runs in. */
import { join } from 'node:path';
import { fileKey, isDead, type ProcessStat, readStat } from '../../../pkg/process/proc.ts';
import { runFile } from './run-files.ts';

/** The live processes of a run. */
export interface RunProcesses {
  /** the script and all that came from it */
  readonly scripts: readonly ProcessStat[];
  /** the shim, and what it needs to keep the output */
  readonly keepers: readonly ProcessStat[];
}

/** Name of the environment marker. */
export const marker = 'KERUTA_RUN_ID';

/** Those of these pids that are alive and not older than a moment. @param startTicks  clock ticks since boot */
export function livingSince(startTicks: number, pids: readonly number[]): readonly ProcessStat[] {
  const others = pids.filter((pid) => pid > 1 && pid !== process.pid);
  return livingOf(
    startTicks,
    others.map(readStat).filter((stat) => stat !== null),
  );
}

/** Those that are alive and not older than a moment. @param startTicks  clock ticks since boot */
export function livingOf(startTicks: number, stats: readonly ProcessStat[]): readonly ProcessStat[] {
  return stats.filter((stat) => stat.startTicks >= startTicks && !isDead(stat));
}

/** What names the FIFOs of a run. */
export function pipeKeys(directory: string): { output: ReadonlySet<string>; all: ReadonlySet<string> } {
  const key = (name: string) => fileKey(join(directory, runFile.pipes, name));
  const output = [key('stdout'), key('stderr')].filter((found) => found !== null);
  const input = [key('stdin'), key('hold')].filter((found) => found !== null);
  return { output: new Set(output), all: new Set([...output, ...input]) };
}

/** Some processes, and all that came from them. @param candidates  where these are looked for */
export function withChildren(
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
