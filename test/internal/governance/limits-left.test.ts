import { describe, expect, test } from 'vitest';
import type { BreakerState } from '../../../internal/domain/policy.ts';
import { closedBreaker } from '../../../internal/governance/breaker.ts';
import { limitWindows } from '../../../internal/governance/limit-window.ts';
import { breakerNow, limitsLeft } from '../../../internal/governance/limits-left.ts';
import { rule, scoped } from './policies.ts';

const now = Date.parse('2026-01-01T12:00:00Z');

describe('what is left of limits', () => {
  const policies = [
    scoped({ maxRunsPerDay: 40, maxCostPerDayMicro: 5_000_000, maxConcurrent: 1 }),
    scoped({ maxRunsPerHour: 3 }, 'global'),
  ];
  const [hour, day, money] = ['hour', 'day', 'cost'].map(
    (word) =>
      limitWindows(policies, now).find(({ unit, kind }) => [unit, kind].some((one) => one === word))?.key ??
      '',
  );

  test('is told of runs, money and tasks, each in the place where the limit stands', () => {
    const used = new Map([
      [hour ?? '', 3],
      [`${day}`, 7],
    ]);
    const found = limitsLeft(policies, { now, history: { used, unfinished: { workflow: 1 } } });
    expect(found).toEqual([
      { name: 'runs_per_day', scope: 'workflow', unit: 'runs', limit: 40, used: 7, left: 33 },
      { name: 'runs_per_hour', scope: 'global', unit: 'runs', limit: 3, used: 3, left: 0 },
      ...[{ name: 'cost_per_day', scope: 'workflow', unit: 'micro-dollars' }].map((one) => ({
        ...one,
        ...{ limit: 5_000_000, used: 0, left: 5_000_000 },
      })),
      { name: 'concurrency', scope: 'workflow', unit: 'tasks', limit: 1, used: 1, left: 0 },
    ]);
  });

  test('is never less than nothing, also when a run spent more than there was', () => {
    const used = new Map([[`${money}`, 6_000_000]]);
    const found = limitsLeft(policies, { now, history: { used, unfinished: {} } });
    expect(found.find(({ name }) => name === 'cost_per_day')).toMatchObject({ used: 6_000_000, left: 0 });
  });

  test('is whole again when the day of its zone is over', () => {
    const used = new Map([[`${day}`, 40]]);
    const tomorrow = limitsLeft(policies, { now: now + 86_400_000, history: { used, unfinished: {} } });
    expect(tomorrow.find(({ name }) => name === 'runs_per_day')).toMatchObject({ used: 0, left: 40 });
  });
});

describe('how a breaker stands', () => {
  const policies = [scoped({ breaker: rule({ window: 4 }) })];
  const open: BreakerState = {
    ...{ ...closedBreaker, state: 'open', results: 'SFFFF', openedAt: now, coolOffMs: 60_000 },
  };

  test('is nothing where no policy has one', () => {
    expect(breakerNow([scoped({ maxRunsPerDay: 1 })], { before: open, now })).toBeNull();
  });

  test('is closed before it has seen anything, with what failed of those that it counts', () => {
    expect(breakerNow(policies, { before: null, now })).toEqual({
      ...{ state: 'closed', failed: 0, of: 0, openUntil: null },
    });
    const before = { ...closedBreaker, results: 'FFSFS' };
    expect(breakerNow(policies, { before, now })).toMatchObject({ state: 'closed', failed: 2, of: 4 });
  });

  test('is open until its cool-off is over, and half open while it probes', () => {
    expect(breakerNow(policies, { before: open, now })).toMatchObject({
      state: 'open',
      openUntil: now + 60_000,
    });
    const probing: BreakerState = {
      ...{ ...open, state: 'half_open', probe: { taskId: 't', until: now + 5 } },
    };
    expect(breakerNow(policies, { before: probing, now })).toMatchObject({
      ...{ state: 'half_open', openUntil: null },
    });
    // a probe that did not come back has failed: open for twice as long, from then on
    const lost = breakerNow(policies, { before: probing, now: now + 5 });
    expect(lost).toMatchObject({ state: 'open', openUntil: now + 5 + rule().coolOffMs });
  });
});
