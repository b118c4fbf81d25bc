import { readFileSync } from 'node:fs';
import { ticksPerSecond } from './proc.ts';

/** What this process used so far; null where the machine does not tell. */
export interface OwnUsage {
  /** highest resident size of this process alone; bytes */
  readonly peakBytes: number | null;
  /** of this process and of all that it started and that has ended */
  readonly cpuSeconds: number | null;
}

/** Reads what this process used. */
export function ownUsage(): OwnUsage {
  return { peakBytes: peakOf(read('/proc/self/status')), cpuSeconds: cpuOf(read('/proc/self/stat')) };
}

/** @param status  text of `/proc/<pid>/status` */
export function peakOf(status: string): number | null {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return found === undefined ? null : Number(found) * 1024;
}

/** @param stat  text of `/proc/<pid>/stat`: own and children's time in user and kernel are the fields 14 to 17 */
export function cpuOf(stat: string): number | null {
  // a name may hold anything, blanks and parentheses too
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).map(Number);
  if (ticks.length < 4 || ticks.some((value) => !Number.isFinite(value))) return null;
  return ticks.reduce((sum, value) => sum + value, 0) / ticksPerSecond;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
