import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sampleProcesses, UsageMeter } from '../../../internal/executor/shim/run-usage.ts';
import { watchRun } from '../../../internal/executor/shim/watch-run.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { readStat } from '../../../pkg/process/proc.ts';
import { until } from './executor-contract.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'watch-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a watcher is called every second, though nothing happens, also where nothing can be watched', () => {
  const clock = new TestClock();
  let calls = 0;
  const stop = watchRun(clock, join(directory, 'none'), () => calls++);
  clock.advance(999);
  expect(calls).toBe(0);
  clock.advance(2001);
  expect(calls).toBe(3);
  stop();
  clock.advance(5000);
  expect(calls).toBe(3);
});

test('many changes are one call at once and one more after 10 ms; the end is not held back', async () => {
  const clock = new TestClock();
  let calls = 0;
  const stop = watchRun(clock, directory, () => calls++);
  appendFileSync(join(directory, 'stdout'), 'x');
  await until(() => calls === 1);
  for (let i = 0; i < 20; i++) appendFileSync(join(directory, 'stdout'), 'x');
  appendFileSync(join(directory, 'other'), 'x');
  appendFileSync(join(directory, 'exit'), 'x');
  await until(() => calls > 1);
  const urgent = calls;
  clock.advance(9);
  expect(calls).toBe(urgent);
  clock.advance(1);
  expect(calls).toBe(urgent + 1);
  clock.advance(100);
  expect(calls).toBe(urgent + 1);
  stop();
});

test('memory is looked at twice a second at most, and the highest counts', () => {
  const clock = new TestClock();
  const meter = new UsageMeter(clock);
  const own = readStat(process.pid);
  let looks = 0;
  const source = {
    startedAt: clock.now(),
    endedAt: null,
    ranMs: null,
    cpuMsAtEnd: null,
    sample: () => {
      looks += 1;
      return sampleProcesses(looks === 1 && own ? [own, own] : own ? [own] : []);
    },
  };
  const first = meter.measure(source);
  clock.advance(499);
  meter.measure(source);
  expect(looks).toBe(1);
  clock.advance(1);
  const second = meter.measure(source);
  expect(looks).toBe(2);
  expect(second.durationMs).toBe(500);
  expect(second.peakMemoryBytes).toBe(first.peakMemoryBytes);
  const last = meter.measure({ ...source, endedAt: clock.now() + 1000, cpuMsAtEnd: 12 });
  expect(last).toMatchObject({ durationMs: 1500, cpuMs: 12, peakMemoryBytes: first.peakMemoryBytes });
  expect(last.samples).toMatchObject({ everyMs: 500, cpuPercent: [expect.any(Number)] });
  expect(looks).toBe(2);
});

test.each([
  ['forward', 86_400_000],
  ['back', -86_400_000],
])(
  'a clock that is set %s by a day in the middle of a run makes it no longer and no shorter',
  (_way, byMs) => {
    const clock = new TestClock();
    const startedAt = clock.now();
    clock.advance(2_000);
    clock.jump(byMs);
    const source = { startedAt, endedAt: clock.now(), ranMs: 2_100, cpuMsAtEnd: 5, sample: () => null };
    expect(new UsageMeter(clock).measure(source).durationMs).toBe(2_100);
    expect(new UsageMeter(clock).measure({ ...source, ranMs: null }).durationMs).toBeGreaterThanOrEqual(0);
  },
);
