import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { readStat } from '../../../pkg/process/proc.ts';
import { processTable } from '../../../pkg/process/process-table.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Starts a program that sleeps, and waits until it is one. */
async function sleeper(env: Record<string, string>): Promise<number> {
  const child = spawn('sh', ['-c', 'echo up; exec sleep 300'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: '/usr/bin:/bin', ...env },
  });
  children.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child.pid ?? 0;
}

function statOf(pid: number) {
  const stat = readStat(pid);
  if (stat === null) throw new Error('it is gone');
  return stat;
}

test('who asks again within the age gets the same look, and one that wants a new one gets it', async () => {
  const clock = new TestClock();
  const table = processTable(clock);
  const before = table.look(1_000);
  const pid = await sleeper({});
  expect(before.length).toBeGreaterThan(0);
  clock.advance(999);
  expect(table.look(1_000)).toBe(before);
  expect(table.look(0).map((stat) => stat.pid)).toContain(pid);
  clock.advance(1_000);
  expect(table.look(1_000)).not.toBe(before);
});

test('is looked at anew for what began after the last look', () => {
  const clock = new TestClock();
  const table = processTable(clock);
  const before = table.look(1_000);
  clock.advance(10);
  expect(table.look(1_000, clock.monotonicMs() - 10)).toBe(before);
  expect(table.look(1_000, clock.monotonicMs() - 9)).not.toBe(before);
});

test('is one for all who have the same clock', () => {
  expect(processTable(systemClock)).toBe(processTable(systemClock));
  expect(processTable(new TestClock())).not.toBe(processTable(systemClock));
});

test('holds neither the first process nor this one', () => {
  const pids = processTable(new TestClock())
    .look(0)
    .map((stat) => stat.pid);
  expect(pids).not.toContain(1);
  expect(pids).not.toContain(process.pid);
});

test('tells the value with which a process was started, whole', async () => {
  const table = processTable(new TestClock());
  const stat = statOf(await sleeper({ MARK: 'run=1', LAST: '' }));
  expect(table.entry(stat, 'MARK')).toBe('run=1');
  expect(table.entry(stat, 'LAST')).toBe('');
  expect(table.entry(stat, 'ARK')).toBeNull();
  expect(table.entry({ ...stat, pid: 99_999_999 }, 'MARK')).toBeNull();
});

test('looks at a young process again with every look, since it may not be what it was started as yet', async () => {
  const table = processTable(new TestClock());
  const child = spawn('sh', ['-c', 'echo up; read line; MARK=2 exec sleep 300'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: '/usr/bin:/bin', MARK: '1' },
  });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const stat = statOf(child.pid ?? 0);
  expect(table.entry(stat, 'MARK')).toBe('1');
  child.stdin.write('go\n');
  while (readStat(stat.pid)?.command !== 'sleep') await systemClock.sleep(2);
  expect(table.entry(stat, 'MARK')).toBe('1');
  table.look(0);
  expect(table.entry(stat, 'MARK')).toBe('2');
});

test('remembers with what an older process was seen, whatever became of it', () => {
  const table = processTable(new TestClock());
  const old = { ...statOf(process.pid), startTicks: 1 };
  const seen = table.entry(old, 'PATH');
  expect(seen).not.toBeNull();
  // the same process, as far as its names tell
  table.look(0);
  expect(table.entry(old, 'PATH')).toBe(seen);
});
