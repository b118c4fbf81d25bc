import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHours } from '../../../internal/domain/hours.ts';
import { formatMoney, parseMoney } from '../../../internal/domain/money.ts';
import { breakerDefaults, emptyPolicy, type Policy } from '../../../internal/domain/policy.ts';
import { policyFaults } from '../../../internal/domain/policy-faults.ts';

describe('money', () => {
  test.each([
    ['1.50', 1_500_000],
    ['0', 0],
    ['0.12', 120_000],
    ['0.0000004', 0],
    ['0.0000005', 1],
    ['1000000000', 1e15],
    ['1000000001', null],
    ['-1', null],
    ['1e3', null],
    ['', null],
    ['1,50', null],
  ])('%s is %s micro-dollars', (text, micro) => {
    expect(parseMoney(text)).toBe(micro);
  });

  test('is written so that it is read as the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e15 }), (micro) => parseMoney(formatMoney(micro)) === micro),
    );
    expect([formatMoney(1_500_000), formatMoney(123), formatMoney(0)]).toEqual(['1.50', '0.000123', '0.00']);
  });
});

describe('hours of the week', () => {
  test.each([
    ['mon-fri 09:00-17:00', { days: [1, 2, 3, 4, 5], from: 540, to: 1020 }],
    ['sat,sun 10:00-24:00', { days: [6, 0], from: 600, to: 1440 }],
    ['fri-mon 22:00-06:00', { days: [5, 6, 0, 1], from: 1320, to: 1800 }],
    ['00:00-24:00', { days: [0, 1, 2, 3, 4, 5, 6], from: 0, to: 1440 }],
    ['9:00-17:00', null],
    ['mon 09:00-09:00', null],
    ['mon 09:00-25:00', null],
    ['xyz 09:00-10:00', null],
    ['mon 09:60-10:00', null],
  ])('%s are read as they are meant', (text, window) => {
    expect(parseHours(text)).toEqual(window);
  });
});

describe('a policy that contradicts itself', () => {
  test.each<[string, Partial<Policy>, string]>([
    ['hour over day', { maxRunsPerDay: 5, maxRunsPerHour: 6 }, 'maxRunsPerHour'],
    ['run over day', { maxCostPerDayMicro: 5, maxCostPerRunMicro: 6 }, 'maxCostPerRun'],
    ['estimate over run', { maxCostPerRunMicro: 5, costEstimateMicro: 6 }, 'costEstimate'],
    ['no price', { maxCostPerDayMicro: 5 }, 'maxCostPerDay'],
    ['cooldownFrom alone', { cooldownFrom: 'success' }, 'cooldownFrom'],
    ['open without cooldown', { failMode: 'open', maxRunsPerDay: 1 }, 'failMode'],
    ['breaker that never opens', { breaker: { ...breakerDefaults, minRuns: 11 } }, 'breaker.minRuns'],
    ['cool-off over its most', { breaker: { ...breakerDefaults, maxCoolOffMs: 1 } }, 'breaker.coolOff'],
    ['no hour', { allowedHours: { timezone: null, windows: [], except: {} } }, 'allowedHours.windows'],
  ])('is named: %s', (_title, policy, path) => {
    const faults = policyFaults({ ...emptyPolicy, ...policy }, true);
    expect(faults.map((fault) => fault.path.join('.'))).toEqual([path]);
  });

  test('is none where another place may know the price', () => {
    expect(policyFaults({ ...emptyPolicy, maxCostPerDayMicro: 5 }, false)).toEqual([]);
  });
});
