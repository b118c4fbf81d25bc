/**
 * What Linux tells about processes, read from /proc. Where there is no /proc (macOS) everything answers null or empty.
 *
 * A pid alone is used again; a process is named for good by its pid, its start and the boot it belongs to.
 * Zombies count as dead, although `kill(pid, 0)` says otherwise.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { lacksDescriptors } from '../files/lacks-descriptors.ts';

/** What names one process as long as the machine is up. */
export interface ProcessId {
  readonly pid: number;
  /** clock ticks since boot; null where the machine does not tell */
  readonly startTicks: number | null;
}

/** One line of /proc/PID/stat. */
export interface ProcessStat {
  readonly pid: number;
  /** at most 15 bytes */
  readonly command: string;
  /** one letter: R, S, D, T, Z, … */
  readonly state: string;
  /** whether it does nothing any more but give back what it holds */
  readonly exiting: boolean;
  /** threads that still run, itself included */
  readonly threads: number;
  readonly parentPid: number;
  readonly session: number;
  /** user and system time of its own; clock ticks */
  readonly cpuTicks: number;
  /** user and system time of the children that it waited for; clock ticks */
  readonly childCpuTicks: number;
  /** clock ticks since boot */
  readonly startTicks: number;
}

/** Clock ticks of /proc per second: USER_HZ, 100 on every Linux that Node runs on. @see proc(5) */
export const ticksPerSecond = 100;

/** Reads a text of /proc; null when it is gone or not ours to read. */
export function readProc(path: string): string | null {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return null;
  }
}

let knownBootId: string | null = null;

/**
 * What names the time since the machine was started; null where there is no /proc. Read once: it cannot change while we
 * live, and must be known also when no file more may be opened.
 */
export function bootId(): string | null {
  knownBootId ??= readProc('sys/kernel/random/boot_id')?.trim() ?? null;
  return knownBootId;
}

/** Every pid of the machine that we can see; null where there is no /proc. */
export function listPids(): readonly number[] | null {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return null;
  }
}

/** The pid that was given to the newest process or thread; null where the machine does not tell. */
export function newestPid(): number | null {
  const pid = Number(readProc('loadavg')?.split(' ')[4]);
  return pid > 0 ? pid : null;
}

/** Takes a line of /proc/PID/stat apart; null when it is none. */
export function parseStat(line: string): ProcessStat | null {
  // the command stands in brackets and may hold anything, so fields are counted from the last one
  const [open, close] = [line.indexOf('('), line.lastIndexOf(')')];
  const fields = line.slice(close + 2).split(' ');
  if (open < 1 || close < open || fields.length < 20) return null;
  const field = (number: number) => Number(fields[number - 3]);
  const numbers = [Number(line.slice(0, open)), ...[4, 6, 9, 14, 15, 16, 17, 20, 22].map(field)];
  if (!numbers.every(Number.isSafeInteger)) return null;
  return {
    pid: Number(line.slice(0, open)),
    command: line.slice(open + 1, close),
    state: fields[0] ?? '',
    exiting: (field(9) & exitingFlag) !== 0,
    threads: field(20),
    parentPid: field(4),
    session: field(6),
    cpuTicks: field(14) + field(15),
    childCpuTicks: field(16) + field(17),
    startTicks: field(22),
  };
}

/** What a process is now, zombies included; null when there is none. */
export function readStat(pid: number): ProcessStat | null {
  const line = readProc(`${pid}/stat`);
  return line === null ? null : parseStat(line);
}

/**
 * For how long a living process has been running; ms, to 10 ms; whatever was done to the wall clock meanwhile.
 * @returns null when it is gone, or the machine does not tell
 */
export function runningForMs(pid: number): number | null {
  const [its, ours] = [readStat(pid), readStat(process.pid)];
  if (its === null || ours === null || isDead(its)) return null;
  const laterMs = ((ours.startTicks - its.startTicks) * 1000) / ticksPerSecond;
  return Math.max(0, laterMs + process.uptime() * 1000);
}

/** PF_EXITING of the kernel's task flags. @see proc(5), field 9 of stat */
const exitingFlag = 0x4;

/** Whether the process has ended and waits only to be collected. One whose first thread alone has ended is alive. */
export function isDead(stat: ProcessStat): boolean {
  return (stat.state === 'Z' || stat.state === 'X' || stat.exiting) && stat.threads <= 1;
}

/**
 * Whether this very process is alive: not a zombie, and not another one with its pid. While no file more may be opened
 * its pid alone is looked at: what cannot be looked at is not dead.
 */
export function isAlive(id: ProcessId): boolean {
  const seen = isSeenAlive(id);
  return seen ?? signal(id.pid, 0);
}

/** Null when nobody can tell: there is no /proc, or no file more may be opened. */
function isSeenAlive(id: ProcessId): boolean | null {
  const { pid, startTicks } = id;
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return stat !== null && !isDead(stat) && (startTicks === null || startTicks === stat.startTicks);
  } catch (error) {
    return lacksDescriptors(error) || bootId() === null ? null : false;
  }
}

/**
 * Sends a signal to this very process: its identity is checked right before. Never to pid 1 or below, nor to ourselves.
 * @returns false when it is gone, is another one, or is not ours
 */
export function signalProcess(id: ProcessId, name: NodeJS.Signals): boolean {
  if (id.pid <= 1 || id.pid === process.pid) return false;
  const isKnown = isSeenAlive(id) ?? bootId() === null;
  return isKnown && signal(id.pid, name);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** The values of a variable with which a process was started: one, as a rule; none when it is not ours. */
export function readEnvironmentEntries(pid: number, name: string): readonly string[] {
  return (readProc(`${pid}/environ`) ?? '')
    .split('\0')
    .filter((entry) => entry.startsWith(`${name}=`))
    .map((entry) => entry.slice(name.length + 1));
}

/** Descriptors that a process has open; empty when it is gone or not ours. */
export function listDescriptors(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(Number);
  } catch {
    return [];
  }
}

/** What names a file whatever its path is; null when there is none. Opens nothing, so a FIFO does not block. */
export function fileKey(path: string): string | null {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? null : `${stat.dev}:${stat.ino}`;
  } catch {
    return null;
  }
}

/** The file behind a descriptor of a process, as `fileKey` names it; null when it is none. */
export function descriptorKey(pid: number, descriptor: number): string | null {
  return fileKey(`/proc/${pid}/fd/${descriptor}`);
}

/** Whether a descriptor is a pipe or FIFO that is open for reading. */
export function isPipeReader(pid: number, descriptor: number): boolean {
  try {
    const path = `/proc/${pid}/fd/${descriptor}`;
    if (!readlinkSync(path).startsWith('pipe:') && !statSync(path).isFIFO()) return false;
  } catch {
    return false;
  }
  const flags = /^flags:\s*([0-7]+)/m.exec(readProc(`${pid}/fdinfo/${descriptor}`) ?? '')?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & 3) !== 1;
}

/**
 * What a process, and the children that it waited for, read from and wrote to storage; bytes; null when it is gone, or not
 * ours. @see proc(5), /proc/PID/io
 */
export function storageBytes(pid: number): { readonly read: number; readonly written: number } | null {
  const text = readProc(`${pid}/io`);
  const number = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text ?? '')?.[1] ?? 0);
  return text === null ? null : { read: number('read_bytes'), written: number('write_bytes') };
}

/** Resident memory of a process; bytes; 0 when it is gone. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s*(\d+)/m.exec(readProc(`${pid}/status`) ?? '')?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** Whether a living process other than this one has its current directory in a directory; false where nobody can tell. */
export function isSomebodyIn(directory: string): boolean {
  return (listPids() ?? []).some((pid) => {
    if (pid === process.pid) return false;
    try {
      const place = readlinkSync(`/proc/${pid}/cwd`);
      return place === directory || place.startsWith(`${directory}/`);
    } catch {
      return false;
    }
  });
}
