import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { descriptorKey, type ProcessStat, readProc, readStat } from '../../../pkg/process/proc.ts';
import { lookAt, processTable, withDescendants } from '../../../pkg/process/process-table.ts';

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

test('who asks again within the age gets the same look, and one that wants a new one gets it', async () => {
  const clock = new TestClock();
  const table = processTable(clock);
  const before = table.look(1_000);
  const pid = await sleeper({});
  expect(before.stats.length).toBeGreaterThan(0);
  clock.advance(999);
  expect(table.look(1_000)).toBe(before);
  expect(table.look(0).stats.map((stat) => stat.pid)).toContain(pid);
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
    .stats.map((stat) => stat.pid);
  expect(pids).not.toContain(1);
  expect(pids).not.toContain(process.pid);
});

test('finds processes by what they are', async () => {
  const child = spawn('sh', ['-c', 'echo up; sleep 300 & wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: '/usr/bin:/bin', MARK: 'run=1', LAST: '' },
    detached: true,
  });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const pid = child.pid ?? 0;
  const table = processTable(new TestClock());
  let look = table.look(0);
  // a program has its name before its environment can be seen
  const isWhole = () => {
    const [one] = look.childrenOf(pid);
    return one?.command === 'sleep' && readProc(`${one.pid}/environ`) !== '';
  };
  while (!isWhole()) look = table.look(0);
  const [sleeper] = look.childrenOf(pid);
  const both = [pid, sleeper?.pid].sort();
  const pidsOf = (stats: readonly ProcessStat[]) => stats.map((stat) => stat.pid).sort();
  expect(pidsOf(look.withPid(pid))).toEqual([pid]);
  expect(pidsOf(look.inSession(pid))).toEqual(both);
  expect(pidsOf(look.withEntry('MARK=run=1', 0))).toEqual(both);
  expect(look.withEntry('MARK=run', 0)).toEqual([]);
  expect(look.withEntry('ARK=run=1', 0)).toEqual([]);
  expect(pidsOf(look.withStream(descriptorKey(pid, 1) ?? '', 0))).toEqual(both);
  expect(look.withStream('none', 0)).toEqual([]);
  const { startTicks = 0 } = sleeper ?? {};
  const anew = lookAt([pid, sleeper?.pid ?? 0]);
  // what is too old is not read
  expect(anew.withEntry('MARK=run=1', startTicks + 1)).toEqual([]);
  expect(pidsOf(anew.withEntry('MARK=run=1', 0))).toEqual(both);
  expect(lookAt([pid, 99_999_999]).stats).toEqual([expect.objectContaining({ pid })]);
  process.kill(sleeper?.pid ?? 0, 'SIGKILL');
});

test('of processes and what came from them the oldest is first, wherever the search began', () => {
  const stat = (pid: number, parentPid: number, startTicks: number) =>
    ({ pid, parentPid, startTicks }) as ProcessStat;
  const all = [stat(9, 1, 5), stat(3, 9, 5), stat(30, 9, 6), stat(20, 30, 7), stat(10, 30, 7)];
  const childrenOf = (pid: number) => all.filter(({ parentPid }) => parentPid === pid);
  const pids = withDescendants([stat(20, 30, 7), stat(9, 1, 5)], childrenOf).map(({ pid }) => pid);
  expect(pids).toEqual([3, 9, 30, 10, 20]);
});

test('looks at a young process again with every look, since it may not be what it was started as yet', async () => {
  const table = processTable(new TestClock());
  const child = spawn('sh', ['-c', 'echo up; read line; MARK=young-2 exec sleep 300'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: '/usr/bin:/bin', MARK: 'young-1' },
  });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const pid = child.pid ?? 0;
  const has = (value: string) => table.look(0).withEntry(`MARK=${value}`, 0).length;
  expect([has('young-1'), has('young-2')]).toEqual([1, 0]);
  child.stdin.write('go\n');
  const isWhole = () => readStat(pid)?.command === 'sleep' && readProc(`${pid}/environ`) !== '';
  while (!isWhole()) await systemClock.sleep(2);
  expect([has('young-1'), has('young-2')]).toEqual([0, 1]);
});
