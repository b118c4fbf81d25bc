import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  bootId,
  descriptorKey,
  fileKey,
  isAlive,
  isDead,
  isPipeReader,
  listDescriptors,
  listPids,
  parseStat,
  readEnvironmentEntries,
  readProc,
  readStat,
  residentBytes,
  signalProcess,
} from '../../../pkg/process/proc.ts';
import { lookAt } from '../../../pkg/process/process-table.ts';

const stop: (() => void)[] = [];
afterEach(() => {
  for (const end of stop.splice(0)) end();
});

/** A process of our own that waits. */
function sleeper(env: Record<string, string> = {}) {
  const child = spawn('sleep', ['60'], {
    env: { PATH: '/usr/bin:/bin', ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  stop.push(() => child.kill('SIGKILL'));
  return { child, pid: child.pid ?? 0 };
}

describe('a line of /proc/PID/stat', () => {
  const line = (command: string) =>
    `42 (${command}) S 1 42 41 0 -1 4194560 1 0 0 0 7 8 9 10 20 0 1 0 123456 2654208 375 0`;

  test.each(['sh', 'a b', 'a) S 9 (b', '()', ''])('is read with the command "%s"', (command) => {
    expect(parseStat(line(command))).toEqual({
      pid: 42,
      command,
      state: 'S',
      exiting: false,
      threads: 1,
      parentPid: 1,
      session: 41,
      cpuTicks: 15,
      childCpuTicks: 19,
      startTicks: 123456,
    });
  });

  test.each(['', 'x', '42', '42 (sh) S 1'])('is nothing when it is "%s"', (text) => {
    expect(parseStat(text)).toBeNull();
  });
});

test.each([
  ['S', 4194560, 1, false],
  ['D', 4194560, 1, false],
  ['Z', 4194564, 1, true],
  ['X', 4194564, 0, true],
  ['R', 4194564, 1, true],
  // its first thread has ended, another one goes on
  ['Z', 4194564, 2, false],
])('a process in state %s with flags %i and %i threads is dead: %s', (state, flags, threads, dead) => {
  const stat = parseStat(
    `42 (sh) ${state} 1 42 41 0 -1 ${flags} 1 0 0 0 7 8 9 10 20 0 ${threads} 0 123456 0 0`,
  );
  expect(stat !== null && isDead(stat)).toBe(dead);
});

describe.skipIf(bootId() === null)('a machine with /proc', () => {
  test('tells of our own process', () => {
    expect(listPids()).toContain(process.pid);
    const stat = readStat(process.pid);
    expect(stat).toMatchObject({ pid: process.pid, parentPid: process.ppid });
    expect(stat && isDead(stat)).toBe(false);
    expect(residentBytes(process.pid)).toBeGreaterThan(1_000_000);
    expect(listDescriptors(process.pid)).toContain(0);
  });

  test('tells nothing of a process that is not there', () => {
    expect(readStat(99_999_999)).toBeNull();
    expect(readProc('99999999/stat')).toBeNull();
    expect(isAlive({ pid: 99_999_999, startTicks: null })).toBe(false);
    expect(residentBytes(99_999_999)).toBe(0);
    expect(listDescriptors(99_999_999)).toEqual([]);
    expect(readEnvironmentEntries(99_999_999, 'A')).toEqual([]);
    expect(isPipeReader(99_999_999, 0)).toBe(false);
    expect(descriptorKey(99_999_999, 0)).toBeNull();
  });

  test('an entry of the environment is found whole only', async () => {
    const { child, pid } = sleeper({ FIRST: 'a', MARK: 'run-1', LAST: 'z' });
    await new Promise((resolve) => child.once('spawn', resolve));
    // it is told of before its environment can be seen
    while (!readProc(`${pid}/environ`)) await new Promise((resolve) => setImmediate(resolve));
    const has = (entry: string) => lookAt([pid]).withEntry(entry, 0).length === 1;
    expect(has('MARK=run-1')).toBe(true);
    expect(has('LAST=z')).toBe(true);
    expect(has('MARK=run-')).toBe(false);
    expect(has('ARK=run-1')).toBe(false);
    expect(readEnvironmentEntries(pid, 'MARK')).toEqual(['run-1']);
  });

  test('a file has one key, whatever leads to it', () => {
    const file = openSync(import.meta.filename, 'r');
    expect(descriptorKey(process.pid, file)).toBe(fileKey(import.meta.filename));
    expect(isPipeReader(process.pid, file)).toBe(false);
    expect(fileKey('/no/such/file')).toBeNull();
    closeSync(file);
  });

  test('a pid that was used again is another process, and gets no signal', () => {
    const { child, pid } = sleeper();
    const startTicks = readStat(pid)?.startTicks ?? 0;
    const reused = { pid, startTicks: startTicks - 1 };
    expect(isAlive(reused)).toBe(false);
    expect(signalProcess(reused, 'SIGKILL')).toBe(false);
    expect(child.killed || child.exitCode !== null || child.signalCode !== null).toBe(false);
    expect(isAlive({ pid, startTicks })).toBe(true);
    expect(signalProcess({ pid, startTicks }, 'SIGKILL')).toBe(true);
  });

  test.each([0, 1, -1, process.pid])('pid %i never gets a signal', (pid) => {
    expect(signalProcess({ pid, startTicks: readStat(pid)?.startTicks ?? null }, 'SIGTERM')).toBe(false);
  });

  test('a zombie counts as dead', async () => {
    // A shell that is still there reaps its child itself: the child ends once `sleep` has taken the shell's place.
    const child = spawn('sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; exec sleep 60'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    stop.push(() => child.kill('SIGKILL'));
    const pid = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
    while (readFileSync(`/proc/${child.pid}/comm`, 'utf8') !== 'sleep\n') {
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.stdin.end();
    while (readStat(pid)?.state !== 'Z') await new Promise((resolve) => setImmediate(resolve));
    expect(process.kill(pid, 0)).toBe(true);
    expect(isAlive({ pid, startTicks: readStat(pid)?.startTicks ?? 0 })).toBe(false);
  });
});
