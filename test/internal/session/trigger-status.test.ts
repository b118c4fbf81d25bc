import { describe, expect, test } from 'vitest';
import { appendLedger } from '../../../internal/session/append-ledger.ts';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { setStatus } from '../../../internal/session/set-status.ts';
import { tick } from '../../../internal/session/tick.ts';
import { overdueTriggers, statusOfTrigger } from '../../../internal/session/trigger-status.ts';
import { findTrigger, pauseTrigger } from '../../../internal/session/trigger-verbs.ts';
import { refreshZoneData } from '../../../internal/session/zone-data.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { caller, makeWorld, never } from './claims-world.ts';

const at = (text: string) => Date.parse(`2026-03-${text}Z`);
const newYork = { type: 'cron', expression: '30 2 * * *', timezone: 'America/New_York' };

async function world(workflow: object, begin = '07T12:00:00') {
  const made = await makeWorld();
  const jump = (text: string) => made.clock.jump(at(text) - made.clock.now());
  const go = async (text: string) => {
    jump(text);
    await tick(made.parts, never);
  };
  jump(begin);
  await applyWorkflow(made.parts, { caller, owner: 'api', value: { name: 'w', run: 'true', ...workflow } });
  const status = async (trigger?: string) => {
    const found = await findTrigger(made.store, { workflow: 'w', trigger });
    return statusOfTrigger(made.parts, { ...found, now: await made.store.now() });
  };
  const end = async (status: 'COMPLETED' | 'FAILED' | 'CANCELLED', tookMs: number) => {
    const session = await made.store.sessionByName('w');
    const [task] = await made.store.tasks({ sessionId: session?.id ?? '', statuses: ['PENDING'] }, 'queue');
    const ref = { caller, taskId: task?.id ?? '' };
    await setStatus(made.parts, ref, { status: 'PROCESSING' });
    made.clock.advance(tookMs);
    await setStatus(made.parts, ref, { status });
  };
  return { ...made, jump, go, status, end };
}

describe('the status of a trigger', () => {
  test('tells the next five instants with the wall clock of its zone, over a change of the clock', async () => {
    const { status } = await world({ triggers: [newYork] });
    const { state, zone, next, lastRun, why, fallingBehind } = await status();
    expect({ state, zone, lastRun, why, fallingBehind }).toEqual({
      ...{ state: 'awake', zone: 'America/New_York', lastRun: null, why: null, fallingBehind: null },
    });
    expect(next.map(({ local }) => local)).toEqual([
      '2026-03-08 03:00 -04:00',
      ...['09', '10', '11', '12'].map((day) => `2026-03-${day} 02:30 -04:00`),
    ]);
    expect(next[0]?.at).toBe(at('08T07:00:00'));
  });

  test('counts how the last runs ended, and how long they took', async () => {
    const triggers = [{ type: 'cron', expression: '*/5 * * * *' }];
    const { go, status, end } = await world({ triggers });
    await go('07T12:05:00');
    await end('COMPLETED', 10_000);
    await go('07T12:10:00');
    await end('FAILED', 30_000);
    await go('07T12:15:00');
    const { stats, lastRun } = await status();
    expect(stats).toEqual({
      ...{ count: 2, successRate: 0.5, meanDurationMs: 20_000, p95DurationMs: 30_000 },
      ...{ costTodayMicros: 0, checks: [] },
    });
    expect(lastRun).toMatchObject({
      occurrence: { nominalAt: at('07T12:15:00') },
      task: { status: 'PENDING' },
    });
  });

  test('counts anew what was written since, also by another server, and leaves out what was cancelled', async () => {
    const { go, status, end, store, parts } = await world({ triggers: [{ type: 'interval', every: '1m' }] });
    await go('07T12:01:00');
    await end('COMPLETED', 1_000);
    expect((await status()).stats).toMatchObject({ count: 1, successRate: 1 });
    await go('07T12:02:00');
    await end('CANCELLED', 1_000);
    expect((await status()).stats).toMatchObject({ count: 2, successRate: 1 });
    await go('07T12:03:00');
    await end('FAILED', 1_000);
    const { trigger, stats } = await status();
    expect(stats).toMatchObject({ count: 3, successRate: 0.5, costTodayMicros: 0 });
    const [last] = await store.ledger({ statuses: ['FAILED'] }, { limit: 1 });
    const checks = [{ name: 'runs', passed: false, limit: 3, value: 3 }];
    const spent = { costMicros: 1_500_000, triggerId: trigger.id, workflow: 'w', executionId: 'e', checks };
    const entry = { at: await store.now(), kind: 'interval_execution', actor: 'system', ...spent };
    await store.transact((tx) => appendLedger(tx, parts, { ...entry, status: 'SUCCESS' }));
    await store.transact((tx) => appendLedger(tx, parts, { ...entry, costMicros: null, status: 'SKIPPED' }));
    expect(last?.executionId).not.toBe('e');
    expect((await status()).stats).toMatchObject({ count: 4, costTodayMicros: 1_500_000, checks });
    // the day is over
    await go('08T12:00:00');
    expect((await status()).stats).toMatchObject({ count: 4, costTodayMicros: 0 });
  });

  test('says that it falls behind from the third skip of ten on, and why it last did not run', async () => {
    const triggers = [{ type: 'interval', every: '10s' }];
    const { go, status } = await world({ triggers });
    for (const second of ['10', '20', '30']) await go(`07T12:00:${second}`);
    expect(await status()).toMatchObject({ fallingBehind: null, lastSkip: { reason: 'overlap_skipped' } });
    await go('07T12:00:40');
    const { fallingBehind, why } = await status();
    expect(fallingBehind).toEqual({ skipped: 3, of: 4, medianDurationMs: null, medianIntervalMs: 10_000 });
    expect(why).toContain('a task of it was not finished');
  });

  test('that falls behind tells how long its runs take beside what it leaves them, by the run in the middle', async () => {
    const { go, status, end } = await world({ triggers: [{ type: 'interval', every: '10s' }] });
    const runs = [
      ['00:10', '00:20', '00:30', 5_000],
      ['00:40', '00:50', '00:50', 9_900],
      ['01:00', '01:10', '01:20', 7_000],
    ] as const;
    for (const [begins, ...rest] of runs) {
      const [second, third, tookMs] = rest;
      for (const time of [begins, second, third]) await go(`07T12:${time}`);
      await end('COMPLETED', tookMs);
    }
    expect((await status()).fallingBehind).toEqual({
      ...{ skipped: 5, of: 8, medianDurationMs: 7_000, medianIntervalMs: 10_000 },
    });
  });

  test('says when it is held, switched off, or over', async () => {
    const { parts, status } = await world({
      triggers: [
        newYork,
        { ...newYork, name: 'off', enabled: false },
        { ...newYork, name: 'over', endAt: '2026-01-01T00:00:00Z' },
      ],
    });
    await pauseTrigger(parts, { caller, workflow: 'w', trigger: 'cron' });
    const all = await Promise.all(['cron', 'off', 'over', 'manual'].map(status));
    expect(all.map(({ state, next, zone }) => [state, next.length, zone])).toEqual([
      ['held', 0, 'America/New_York'],
      ['disabled', 0, 'America/New_York'],
      ['ended', 0, 'America/New_York'],
      ['awake', 0, null],
    ]);
    expect(all.map(({ why }) => why)).toEqual([
      expect.stringContaining('it is held'),
      expect.stringContaining('switched off'),
      'it never falls due again',
      null,
    ]);
  });

  test('of one that nobody decides says so from the second instant on, and health hears of it', async () => {
    const { jump, go, status, parts } = await world({
      triggers: [{ type: 'cron', expression: '*/5 * * * *' }],
    });
    jump('07T12:10:59');
    expect([(await status()).isOverdue, await overdueTriggers(parts)]).toEqual([false, []]);
    jump('07T12:11:00');
    expect(await status()).toMatchObject({
      isOverdue: true,
      why: 'it is overdue: no server has looked at it',
    });
    expect(await overdueTriggers(parts)).toEqual(['w/cron']);
    await go('07T12:11:01');
    expect([(await status()).isOverdue, await overdueTriggers(parts)]).toEqual([false, []]);
  });
});

describe('time zone data that changed, or another zone,', () => {
  test('makes the next instant be computed anew, and both are logged', async () => {
    const { store, parts } = await world({ triggers: [newYork] });
    const { trigger } = await findTrigger(store, { workflow: 'w' });
    await store.transact((tx) => tx.putTrigger({ ...trigger, nextAt: 5, zoneData: '1999a' }));
    const told: unknown[] = [];
    const log = { ...parts.log, info: (_message: string, data?: object) => void told.push(data) } as Log;
    expect(await refreshZoneData({ ...parts, log })).toBe(1);
    expect(await store.trigger(trigger.id)).toMatchObject({
      nextAt: trigger.nextAt,
      zoneData: `${process.versions.tz} America/New_York`,
    });
    expect(told).toMatchObject([
      {
        ...{
          workflow: 'w',
          trigger: 'cron',
          zoneDataBefore: '1999a',
          zoneData: `${process.versions.tz} America/New_York`,
        },
        ...{ nextAtBefore: '1970-01-01T00:00:00.005Z', nextAt: '2026-03-08T07:00:00.000Z' },
      },
    ]);
    expect(await refreshZoneData(parts)).toBe(0);
  });

  test('of a trigger that goes by the zone of the server starts it anew in the other zone, and no other', async () => {
    const daily = { type: 'cron', expression: '0 9 * * *', overlap: 'allow' };
    const own = { ...daily, name: 'own', timezone: 'America/New_York' };
    const hourly = { type: 'interval', every: '1h', overlap: 'allow' };
    const { store, parts, jump } = await world({ triggers: [daily, own, hourly] }, '07T15:00:00');
    const inTokyo = { ...parts, timeZone: 'Asia/Tokyo' };
    const nextOf = async (trigger: string) =>
      (await findTrigger(store, { workflow: 'w', trigger })).trigger.nextAt;
    expect(await nextOf('cron')).toBe(at('08T09:00:00'));
    // nine in Tokyo, where nobody looked, and nine in the old zone have both passed
    jump('08T09:30:00');
    expect([await refreshZoneData(inTokyo), await refreshZoneData(inTokyo)]).toEqual([1, 0]);
    const nines = [at('09T00:00:00'), at('08T13:00:00')];
    expect([await nextOf('cron'), await nextOf('own')]).toEqual(nines);
    await tick(inTokyo, never);
    const rows = await store.occurrences({}, { limit: 100, offset: 0 });
    expect(new Set(rows.map(({ source }) => source))).toEqual(new Set(['interval']));
    for (const nine of nines.toSorted()) {
      jump(new Date(nine).toISOString().slice(8, 19));
      await tick(inTokyo, never);
    }
    const runs = await store.occurrences({ decision: 'run' }, { limit: 100, offset: 0 });
    const fired = runs.filter(({ source }) => source === 'cron').map(({ nominalAt }) => nominalAt);
    expect(fired.toSorted()).toEqual(nines.toSorted());
  });
});
