import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BreakerState } from '../../../internal/domain/policy.ts';
import { beginProbe, closedBreaker, countRun, judgeBreaker } from '../../../internal/governance/breaker.ts';
import { rule } from './policies.ts';

const minute = 60_000;

/** A breaker after runs that ended as the text says: S, F, or C for cancelled. */
function seen(ends: string, from: BreakerState = closedBreaker, more = {}): BreakerState {
  const names = { S: 'success', F: 'failure', C: 'cancelled' } as const;
  return [...ends].reduce(
    (state, end) => countRun(rule(more), state, { taskId: 't', end: names[end as 'S'], now: 0 }),
    from,
  );
}

const ask = (state: BreakerState, now: number, isForced = false) =>
  judgeBreaker(rule(), { before: state, now, isForced });

describe('a closed breaker', () => {
  test.each([
    ['FFFF', 'closed'],
    ['FFFFF', 'open'],
    ['SFSFSFSFSF', 'closed'],
    ['SFSFSFSFFF', 'open'],
    ['FFF', 'closed'],
    ['SSSSSSSSSSFFFFF', 'open'],
    ['FFCCCFF', 'closed'],
    ['FFCCCFFCF', 'open'],
  ])('after %s is %s', (ends, state) => {
    expect(seen(ends).state).toBe(state);
  });

  test('opens at the fifth failure in a row also where the rate would not', () => {
    const more = { failureRate: 1, minRuns: 10 };
    expect(seen('FFFF', closedBreaker, more).state).toBe('closed');
    expect(seen('FFFFF', closedBreaker, more).state).toBe('open');
  });

  test('lets every run pass and names no probe', () => {
    expect(ask(seen('FFFF'), 0)).toMatchObject({ check: { passed: true }, isProbe: false });
  });

  test('never opens while at most half of any window failed and no five in a row did', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (ends) => {
        const text = ends.map((good) => (good ? 'S' : 'F')).join('');
        const bad = [...text].some((_, at) => {
          const recent = text.slice(Math.max(0, at - 9), at + 1);
          const failures = recent.replaceAll('S', '').length;
          return (recent.length >= 5 && failures * 2 > recent.length) || recent.endsWith('FFFFF');
        });
        expect(seen(text).state === 'closed').toBe(!bad);
      }),
    );
  });
});

describe('an open breaker', () => {
  const open = seen('FFFFF');

  test('refuses until the cool-off is over, then lets one probe through', () => {
    expect(ask(open, 15 * minute - 1)).toMatchObject({ check: { passed: false, reason: 'breaker_open' } });
    expect(ask(open, 15 * minute)).toMatchObject({ check: { passed: true }, isProbe: true });
    const probing = beginProbe(rule(), open, { taskId: 'p', now: 15 * minute });
    expect(ask(probing, 16 * minute).check).toMatchObject({
      passed: false,
      reason: 'breaker_probe_in_flight',
    });
  });

  test('lets a person pass, as the probe', () => {
    expect(ask(open, 1, true)).toMatchObject({ check: { passed: true }, isProbe: true });
    const probing = beginProbe(rule(), open, { taskId: 'p', now: 1 });
    expect(ask(probing, 2, true).check.passed).toBe(false);
  });

  test('counts nothing of runs that began before it opened', () => {
    expect(seen('SSFF', open)).toEqual(open);
  });
});

describe('a probe', () => {
  const open = seen('FFFFF');
  const probing = beginProbe(rule(), open, { taskId: 'p', now: 15 * minute });
  const end = (state: BreakerState, end: 'success' | 'failure' | 'cancelled', now: number) =>
    countRun(rule(), state, { taskId: 'p', end, now });

  test('that succeeds closes the breaker with an empty window', () => {
    expect(end(probing, 'success', 16 * minute)).toEqual(closedBreaker);
  });

  test('that fails opens it for twice as long, up to a day', () => {
    let state = probing;
    const times: number[] = [];
    for (let round = 0; round < 9; round++) {
      state = end(state, 'failure', 0);
      times.push(state.coolOffMs / minute);
      state = beginProbe(rule(), state, { taskId: 'p', now: 0 });
    }
    expect(times).toEqual([30, 60, 120, 240, 480, 960, 1440, 1440, 1440]);
  });

  test('that is cancelled leaves its place to another', () => {
    const freed = end(probing, 'cancelled', 16 * minute);
    expect(ask(freed, 16 * minute)).toMatchObject({ check: { passed: true }, isProbe: true });
  });

  test('that does not come back counts as failed when its lease is over', () => {
    const lease = 60 * minute;
    expect(ask(probing, 15 * minute + lease - 1).check.reason).toBe('breaker_probe_in_flight');
    const { state, check } = ask(probing, 15 * minute + lease);
    expect([state.state, state.coolOffMs, check.reason]).toEqual(['open', 30 * minute, 'breaker_open']);
    expect(end(probing, 'success', 15 * minute + lease).state).toBe('open');
  });

  test('has to succeed as often as the rule says', () => {
    const twice = rule({ probes: 2 });
    const once = countRun(twice, probing, { taskId: 'p', end: 'success', now: 16 * minute });
    expect([once.state, once.probe]).toEqual(['half_open', null]);
    const again = beginProbe(twice, once, { taskId: 'q', now: 17 * minute });
    expect(countRun(twice, again, { taskId: 'q', end: 'success', now: 18 * minute }).state).toBe('closed');
  });
});
