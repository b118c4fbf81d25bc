/** How often the kernel took a process for want of memory, as far as it tells. Linux alone; else everything is null. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProc } from './proc.ts';

/** Counters of killed processes; they only grow, and begin anew with the machine or the control group. */
export interface OomCounts {
  /** the file that counts for the control group; null = there is none to be read */
  readonly file: string | null;
  /** of the control group and those below it; null when it is not told */
  readonly group: number | null;
  /** of the whole machine, other containers included; null when it is not told */
  readonly machine: number | null;
}

/** Counts now. @param file  of an earlier count, whose control group is meant; default: that of this process */
export function countOomKills(file: string | null = ownCounter()): OomCounts {
  return {
    file,
    group: file === null ? null : countIn(read(file)),
    machine: countIn(readProc('vmstat')),
  };
}

/** The number in a line `oom_kill N`, which all these files have. @see memory.events in the kernel's cgroup-v2.rst */
export function countIn(text: string | null): number | null {
  const count = /^oom_kill (\d+)$/m.exec(text ?? '')?.[1];
  return count === undefined ? null : Number(count);
}

/**
 * The files that may count for a process, the likeliest first.
 * @param groups  text of /proc/PID/cgroup
 */
export function counterFiles(groups: string): readonly string[] {
  return groups.split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers.split(',').includes('memory')) {
      // in a container the path may be one of outside, and its own group stands at the top
      return [path, '/'].map((group) => join('/sys/fs/cgroup/memory', group, 'memory.oom_control'));
    }
    if (controllers !== '' || path === '') return [];
    return [path, '/'].map((group) => join('/sys/fs/cgroup', group, 'memory.events'));
  });
}

let own: string | null | undefined;

/** Looked for once: a process rarely changes its control group. */
function ownCounter(): string | null {
  own ??= counterFiles(readProc('self/cgroup') ?? '').find((file) => countIn(read(file)) !== null) ?? null;
  return own;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
