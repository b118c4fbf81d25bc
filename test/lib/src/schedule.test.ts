import { beforeEach, describe, expect, test } from 'vitest';
import { agent, schedule, tool } from '../../../lib/src/index.ts';
import { registry, takeRegistry, unitOf } from '../../../lib/src/registry.ts';
import { Scheduler } from '../../../lib/src/scheduler.ts';
import type { RunRecord } from '../../../lib/src/types.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';

beforeEach(() => void takeRegistry());

const hour = 3_600_000;

/** Lets promises settle, then moves the clock on, in small steps. */
async function pass(clock: TestClock, ms: number, step = 30_000): Promise<void> {
  for (let left = ms; left > 0; left -= step) {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    clock.advance(Math.min(step, left));
  }
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe('schedule', () => {
  test('gives back the function that it was given, and remembers triggers, repetition and name', () => {
    async function report() {
      return 'done';
    }
    const made = schedule.cron(
      '0 9 * * *',
      { timezone: 'Asia/Tokyo' },
      schedule.retry({ maxAttempts: 3, backoffSeconds: 60 }, agent({ model: 'small' }, report)),
    );
    expect(made).toBe(report);
    expect(unitOf(report)).toMatchObject({
      name: 'report',
      triggers: [{ type: 'cron', expression: '0 9 * * *', timezone: 'Asia/Tokyo' }],
      retry: { maxAttempts: 3, backoffSeconds: 60 },
    });
  });

  test.each([
    ['an hour', { hours: 1 }, { every: '3600s' }],
    ['a sum', { hours: 1, minutes: 30 }, { every: '5400s' }],
    ['a day at a time', { days: 1, at: '09:00' }, { every: '1d', at: '09:00' }],
  ])('writes down %s as an interval', (_title, every, written) => {
    const fn = schedule.every(every, () => null);
    expect(unitOf(fn).triggers).toEqual([{ type: 'interval', ...written }]);
  });

  test.each([
    ['61 * * * *', 'cron expression'],
    ['0 0 30 2 *', 'a date that comes'],
  ])('refuses %s at once', (expression, message) => {
    expect(() => schedule.cron(expression, () => null)).toThrow(message);
  });

  test('refuses a time of day without whole days, less than a second, and no attempt', () => {
    expect(() => schedule.every({ hours: 1, at: '09:00' }, () => null)).toThrow(
      'at: expected with every: 1d',
    );
    expect(() => schedule.every({}, () => null)).toThrow('1s or more');
    expect(() => schedule.retry({ maxAttempts: 0 }, () => null)).toThrow('from 1 to 100');
  });
});

describe('a scheduler', () => {
  test('runs functions when they are due, in their zone, and says what comes next', async () => {
    const clock = new TestClock(Date.UTC(2026, 0, 1, 0, 30));
    const ran: string[] = [];
    schedule.cron('0 * * * *', async function hourly({ at }) {
      ran.push(`hourly ${at.toISOString()}`);
    });
    schedule.cron('0 10 * * *', { timezone: 'Asia/Tokyo' }, async function tokyo({ at }) {
      ran.push(`tokyo ${at.toISOString()}`);
    });
    const scheduler = new Scheduler({ time: clock }).start();
    expect(scheduler.jobs()).toEqual([
      { name: 'hourly', when: '0 * * * *', nextAt: Date.UTC(2026, 0, 1, 1) },
      { name: 'tokyo', when: '0 10 * * *', nextAt: Date.UTC(2026, 0, 1, 1) },
    ]);
    await pass(clock, 2 * hour);
    expect(ran).toEqual([
      'hourly 2026-01-01T01:00:00.000Z',
      'tokyo 2026-01-01T01:00:00.000Z',
      'hourly 2026-01-01T02:00:00.000Z',
    ]);
    await scheduler.stop();
    await pass(clock, 2 * hour);
    expect(ran).toHaveLength(3);
  });

  test('runs the newest of missed instants once after the machine slept', async () => {
    const clock = new TestClock(Date.UTC(2026, 0, 1, 0, 30));
    const records: RunRecord[] = [];
    schedule.cron('0 * * * *', function hourly() {});
    const scheduler = new Scheduler({ time: clock, onRun: (record) => records.push(record) }).start();
    clock.jump(5 * hour);
    await pass(clock, 60_000);
    await scheduler.stop();
    expect(records.filter(({ status }) => status === 'completed').map(({ dueAt }) => dueAt)).toEqual([
      Date.UTC(2026, 0, 1, 5),
    ]);
    expect(records.filter(({ status }) => status === 'skipped').map(({ error }) => error)).toEqual(
      Array(4).fill('missed'),
    );
  });

  test('skips a run while the last one is not over', async () => {
    const clock = new TestClock(Date.UTC(2026, 0, 1));
    const records: RunRecord[] = [];
    let end = () => {};
    schedule.every({ minutes: 1 }, function slow() {
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    const scheduler = new Scheduler({ time: clock, onRun: (record) => records.push(record) }).start();
    await pass(clock, 130_000, 5_000);
    expect(records).toMatchObject([{ status: 'skipped', error: 'overlap_skipped' }]);
    end();
    await scheduler.stop();
  });

  test('repeats what failed, waits between, and tells onError once, after the last', async () => {
    const clock = new TestClock(Date.UTC(2026, 0, 1, 0, 59));
    const attempts: [number, number][] = [];
    const alerts: string[] = [];
    schedule.cron(
      '0 * * * *',
      { retry: { maxAttempts: 3, backoffSeconds: 60 } },
      function unreliable(context) {
        attempts.push([context.attempt, clock.now()]);
        throw new Error('no answer');
      },
    );
    schedule.onError((error, name) => alerts.push(`${name}: ${error.message}`));
    const records: RunRecord[] = [];
    const scheduler = new Scheduler({ time: clock, onRun: (record) => records.push(record) }).start();
    await pass(clock, 10 * 60_000, 10_000);
    await scheduler.stop();
    expect(attempts).toEqual([
      [1, Date.UTC(2026, 0, 1, 1, 0)],
      [2, Date.UTC(2026, 0, 1, 1, 1)],
      [3, Date.UTC(2026, 0, 1, 1, 2)],
    ]);
    expect(alerts).toEqual(['unreliable: no answer']);
    expect(records).toMatchObject([{ status: 'failed', attempts: 3, error: 'no answer' }]);
  });
});

test('a tool is remembered as one, and an agent without function and answerer is refused', () => {
  const fetchMetrics = tool(() => ({ users: 1234 }));
  expect(unitOf(fetchMetrics).isTool).toBe(true);
  expect(() => agent({ model: 'x' } as never, undefined as never)).toThrow('a prompt together with ask');
  expect(registry().units.size).toBe(1);
});

test('an agent that is a prompt is asked with payload or path filled in', async () => {
  const ask = async (prompt: string, { model }: { model: string }) => `${model}: ${prompt}`;
  const made = agent({ model: 'm', prompt: 'Look at {{ file_path }} and {{ other }}', ask });
  const context = { signal: new AbortController().signal } as never;
  expect(await made('/tmp/$&.pdf', context)).toBe('m: Look at /tmp/$&.pdf and {{ other }}');
});
