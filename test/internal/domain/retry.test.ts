import { describe, expect, test } from 'vitest';
import {
  classOf,
  decideRetry,
  type RetryRule,
  type RetryState,
  retryDefaults,
  retryDelayMs,
} from '../../../internal/domain/retry.ts';

const rule = (more: Partial<RetryRule> = {}): RetryRule => ({ ...retryDefaults, ...more });
const seconds = (fraction: number, more: Partial<RetryRule> = {}) =>
  [1, 2, 3, 4, 5, 6, 7, 8].map((n) => retryDelayMs(rule(more), n, fraction) / 1000);

describe('the wait before another run', () => {
  test('doubles up to its most; half of it is chance', () => {
    expect(seconds(1)).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600]);
    expect(seconds(0)).toEqual([30, 60, 120, 240, 480, 960, 1800, 1800]);
    expect(seconds(0.5)).toEqual([45, 90, 180, 360, 720, 1440, 2700, 2700]);
  });

  test('is what it says when it is fixed, within its most', () => {
    expect(seconds(0.3, { backoff: 'fixed' })).toEqual(Array(8).fill(60));
    expect(retryDelayMs(rule({ backoff: 'fixed', maxDelayMs: 7 }), 1, 0)).toBe(7);
  });

  test('stays a number after very many failures', () => {
    expect(retryDelayMs(rule(), 5000, 0)).toBe(1_800_000);
  });
});

const end = (more: object = {}) =>
  ({ status: 'FAILED', reason: null, exitCode: 1, errorCode: '', ...more }) as Parameters<typeof classOf>[0];

describe('the class of an end', () => {
  test.each([
    ['a success', { status: 'COMPLETED', exitCode: 0 }, null, 'completed'],
    ['a cancelled run', { status: 'CANCELLED', reason: 'cancel' }, null, 'cancelled'],
    ['a failed script', {}, null, 'retryable'],
    ['a run out of time', { reason: 'timeout', exitCode: null }, null, 'retryable'],
    ['a run whose agent died', { reason: 'agent_lost' }, rule(), 'lost'],
    ['a run whose shim died', { reason: 'shim_lost' }, null, 'lost'],
    ['a refused task', { reason: 'refused' }, rule(), 'permanent'],
    ['a checkout that failed, without a wait', { reason: 'checkout' }, null, 'permanent'],
    ['a checkout that failed, with a wait', { reason: 'checkout' }, rule(), 'retryable'],
    ['an exit code of the list', { exitCode: 75 }, rule({ exitCodes: [75, 111] }), 'retryable'],
    ['another exit code', { exitCode: 1 }, rule({ exitCodes: [75] }), 'permanent'],
    ['a signal, where codes are listed', { exitCode: null }, rule({ exitCodes: [75] }), 'permanent'],
    ['a timeout, where codes are listed', { reason: 'timeout' }, rule({ exitCodes: [75] }), 'retryable'],
    ['an error code that is never retried', { errorCode: 'BAD' }, rule({ neverOn: ['BAD'] }), 'permanent'],
    ['a reason that is never retried', { reason: 'oom' }, rule({ neverOn: ['oom'] }), 'permanent'],
  ])('%s', (_title, more, with_, expected) => {
    expect(classOf(end(more), with_)).toBe(expected);
  });
});

describe('a run is repeated', () => {
  const decide = (more: Partial<RetryState> = {}) =>
    decideRetry({
      ...{ rule: rule(), endClass: 'retryable', retryCount: 2, retriesUsed: 0, lostRuns: 0 },
      ...{ createdAt: 0, askedMs: 0, now: 1000, fraction: 0 },
      ...more,
    });

  test('after its wait, as often as it may', () => {
    expect(decide()).toEqual({ notBefore: 31_000, counts: true });
    expect(decide({ retriesUsed: 1 })).toEqual({ notBefore: 61_000, counts: true });
    expect(decide({ retriesUsed: 2 })).toBeNull();
  });

  test('at once when there is no rule, or no wait', () => {
    expect(decide({ rule: null })).toEqual({ notBefore: null, counts: true });
    expect(decide({ rule: rule({ delayMs: 0 }) })).toEqual({ notBefore: null, counts: true });
  });

  test('not before what it asked for, up to the most of its rule', () => {
    const asking = (askedMs: number, more: Partial<RetryState> = {}) =>
      decide({ askedMs, ...more })?.notBefore;
    // its own wait is 30 s
    expect([asking(29_999), asking(30_001), asking(3_600_001)]).toEqual([31_000, 31_001, 3_601_000]);
    expect(asking(90_000, { rule: rule({ backoff: 'fixed', maxDelayMs: 70_000 }) })).toBe(71_000);
    expect([asking(5_000, { rule: null }), asking(3_600_001, { rule: null })]).toEqual([6_000, 3_601_000]);
    expect(asking(90_000, { rule: rule({ deadlineMs: 91_000 }) })).toBeUndefined();
    expect(asking(90_000, { endClass: 'permanent' })).toBeUndefined();
  });

  test.each(['completed', 'cancelled', 'permanent'] as const)('never after an end that is %s', (endClass) => {
    expect(decide({ endClass })).toBeNull();
  });

  test('after it was lost as often as that may be, whatever failures there were', () => {
    const lost = { endClass: 'lost', rule: rule({ lostRetries: 2 }), retriesUsed: 2 } as const;
    expect(decide({ ...lost, lostRuns: 1 })).toEqual({ notBefore: 31_000, counts: false });
    expect(decide({ ...lost, lostRuns: 2 })).toEqual({ notBefore: 61_000, counts: false });
    expect(decide({ ...lost, lostRuns: 3 })).toBeNull();
    expect(decide({ endClass: 'lost', lostRuns: 1, rule: null })).toBeNull();
  });

  test('not when its wait would end behind the deadline', () => {
    expect(decide({ rule: rule({ deadlineMs: 31_000 }) })).toBeNull();
    expect(decide({ rule: rule({ deadlineMs: 31_001 }) })).not.toBeNull();
  });
});
