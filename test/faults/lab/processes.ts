/** Looks at processes through /proc: who is alive, and how much memory somebody took at most. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseStat } from '../../../pkg/process/proc.ts';
import { isFull } from './rounds.ts';

/** A process that is alive: zombies are not. */
export interface Living {
  readonly pid: number;
  /** arguments, by spaces */
  readonly command: string;
  /** one letter, see proc(5) */
  readonly state: string;
}

/** When this process began: what is older was left by tests that were killed. */
const since = parseStat(read('self/stat'))?.startTicks ?? 0;

/** Processes whose command line matches and that are younger than this one, zombies left out, by pid. */
export function living(what: RegExp | string): readonly Living[] {
  const found: Living[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!(pid > 0) || pid === process.pid) continue;
    const command = read(`${pid}/cmdline`).replaceAll('\0', ' ').trim();
    const { state, startTicks } = parseStat(read(`${pid}/stat`)) ?? { state: 'X', startTicks: 0 };
    if (command === '' || state === 'Z' || state === 'X' || startTicks < since) continue;
    if (typeof what === 'string' ? command.includes(what) : what.test(command)) {
      found.push({ pid, command, state });
    }
  }
  return found.sort((a, b) => a.pid - b.pid);
}

/** Whether a process was stopped, by SIGSTOP or a debugger. */
export function isStopped(pid: number): boolean {
  return 'Tt'.includes(parseStat(read(`${pid}/stat`))?.state ?? 'X');
}

/** How many children of a process have ended and were not collected. */
export function zombiesOf(pid: number): number {
  const stats = readdirSync('/proc').map((entry) => parseStat(read(`${entry}/stat`)));
  return stats.filter((stat) => stat?.parentPid === pid && stat.state === 'Z').length;
}

/** Whether this very process is alive. */
export function isLiving(pid: number): boolean {
  const { state } = parseStat(read(`${pid}/stat`)) ?? { state: 'X' };
  return state !== 'Z' && state !== 'X';
}

/** Whether a process has this path open at this number; not when it has ended meanwhile. */
export function hasOpen(pid: number, number: number, path: string): boolean {
  return link(`${pid}/fd/${number}`) === path;
}

/** What a process that lives has open, by number: paths, or names such as `pipe:[42]`. @throws when it has ended */
export function descriptors(pid: number): Readonly<Record<string, string>> {
  const open: Record<string, string> = {};
  for (const number of readdirSync(`/proc/${pid}/fd`)) open[number] = link(`${pid}/fd/${number}`);
  return open;
}

/** The living processes of a session, by the pid of its leader. */
export function inSession(leader: number): readonly number[] {
  return living(/./)
    .map(({ pid }) => pid)
    .filter((pid) => parseStat(read(`${pid}/stat`))?.session === leader);
}

/** The pid of the shim that watches over a run, from the run's directory. */
export function shimOf(runDirectory: string): number {
  return Number(/^\d+/.exec(readFileSync(join(runDirectory, 'shim'), 'utf8'))?.[0]);
}

/** The most memory that a process ever had resident; MiB; 0 when it is gone. */
export function peakMegabytes(pid: number): number {
  const kilobytes = /^VmHWM:\s*(\d+)/m.exec(read(`${pid}/status`))?.[1];
  return Math.round(Number(kilobytes ?? 0) / 1024);
}

/** What an agent may have resident at most, whatever its task does: 250 MB; MiB. */
export const maxAgentMebibytes = 238;
/** The same of a server: 512 MB; MiB. */
export const maxServerMebibytes = 488;

/** Starts a program that has nothing to do with any run and must stay alive; ended with the test. @returns its pid */
export function bystander(program: string, ...args: readonly string[]): number {
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  const pid = child.pid ?? 0;
  onTestFinished(() => {
    // what has ended has no number of its own any more
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
  });
  return pid;
}

/**
 * How much later than promised something may be seen here, ms: nothing but the two seconds that the guarantee has when
 * everything runs by itself; more in the selection, which shares the machine with other tests.
 */
export const slackMs = isFull ? 2_000 : 10_000;

/** Why a test that needs root and namespaces cannot run here; null when it can. */
export const noNamespaces =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['-p', '-f', '--mount-proc', 'true'], { stdio: 'ignore' }).status === 0
    ? null
    : 'needs root and pid namespaces';

/** Whether a program is on PATH. */
export function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}

/** How long a process has been on a processor since it began, all its threads together; ms, in steps of ten; 0 when it is gone. */
export function cpuMsOf(pid: number): number {
  // the name, in brackets, may hold anything; see proc_pid_stat(5): utime and stime are the 12th and 13th behind it
  const [, ...fields] = read(`${pid}/stat`).replace(/^.*\)/s, '').split(' ');
  return 10 * (Number(fields[11] ?? 0) + Number(fields[12] ?? 0));
}

function read(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(`/proc/${path}`);
  } catch {
    return '';
  }
}
