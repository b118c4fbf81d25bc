/** What a soak looks at while it runs, and what it says about it in the end. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** One look. */
export interface Sample {
  /** since the start; ms */
  readonly at: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Where to look. A process that is not there is left out. */
export interface Places {
  readonly at: number;
  readonly server: number;
  readonly agents: readonly number[];
  /** the server's data directory */
  readonly data: string;
  /** base directories of the agents */
  readonly bases: readonly string[];
}

/** Looks once. */
export async function measure(places: Places): Promise<Sample> {
  const values: Record<string, number> = {};
  const note = (name: string, value: number | null) => {
    if (value !== null) values[name] = Math.max(values[name] ?? 0, value);
  };
  note('server memory, MB', residentMegabytes(places.server));
  note('server descriptors', descriptors(places.server));
  for (const agent of places.agents) {
    note('agent memory, MB (largest)', residentMegabytes(agent));
    note('agent descriptors (most)', descriptors(agent));
  }
  note('server disk, MB', await diskMegabytes(places.data));
  for (const base of places.bases) note('agent disk, MB (largest)', await diskMegabytes(base));
  return { at: places.at, values };
}

/** One line for each thing that was looked at: first and last third on average, and the slope of a straight line. */
export function slopes(samples: readonly Sample[]): readonly string[] {
  const names = [...new Set(samples.flatMap(({ values }) => Object.keys(values)))];
  return names.map((name) => {
    const points = samples.flatMap(({ at, values }) => {
      const value = values[name];
      return value === undefined ? [] : [{ hours: at / 3_600_000, value }];
    });
    const third = Math.max(1, Math.floor(points.length / 3));
    const [first, last] = [mean(points.slice(0, third)), mean(points.slice(-third))];
    return `${name.padEnd(28)} first third ${first.toFixed(1)}, last third ${last.toFixed(1)}, slope ${slopeOf(points).toFixed(1)} per hour`;
  });
}

function mean(points: readonly { readonly value: number }[]): number {
  return points.reduce((sum, { value }) => sum + value, 0) / Math.max(1, points.length);
}

/** Least squares. */
function slopeOf(points: readonly { readonly hours: number; readonly value: number }[]): number {
  const middle = points.reduce((sum, { hours }) => sum + hours, 0) / Math.max(1, points.length);
  const average = mean(points);
  const above = points.reduce((sum, { hours, value }) => sum + (hours - middle) * (value - average), 0);
  const below = points.reduce((sum, { hours }) => sum + (hours - middle) ** 2, 0);
  return below === 0 ? 0 : above / below;
}

function residentMegabytes(pid: number): number | null {
  try {
    const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found === null ? null : Number(found[1]) / 1024;
  } catch {
    return null;
  }
}

function descriptors(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}

async function diskMegabytes(path: string): Promise<number | null> {
  try {
    const { stdout } = await promisify(execFile)('du', ['-sk', path]);
    return Number(stdout.split('\t')[0]) / 1024;
  } catch {
    return null;
  }
}
