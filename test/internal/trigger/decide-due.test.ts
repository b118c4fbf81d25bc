import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DueInstant, decideDue, firstOf, onTimeMs } from '../../../internal/trigger/decide-due.ts';

const begin = Date.UTC(2026, 0, 1);

/** Falls due at every multiple. */
const every = (gridMs: number) => ({
  zone: 'UTC',
  next: (after: number) => (Math.floor(after / gridMs) + 1) * gridMs,
});

/** The instants that a row stands for: itself, or all of a time that is summed up. */
function instantsOf({ nominalAt, until }: DueInstant, gridMs: number): number[] {
  const all: number[] = [];
  for (let at = nominalAt; at <= (until ?? nominalAt); at += gridMs) all.push(at);
  return all;
}

const policies = fc.record({
  policy: fc.constantFrom('none' as const, 'last' as const, 'all' as const),
  windowMs: fc.integer({ min: 0, max: 3_600_000 }),
  max: fc.integer({ min: 1, max: 50 }),
});

describe('whatever the policy, and however seldom somebody looks', () => {
  test('each instant is decided exactly once, with a decision and a reason, and the cursor passes none by', () => {
    const looks = fc.array(fc.integer({ min: 1, max: 7_200_000 }), { minLength: 1, maxLength: 12 });
    const grids = fc.constantFrom(5_000, 60_000, 307_000);
    fc.assert(
      fc.property(
        policies,
        looks,
        grids,
        fc.constantFrom(0, 3_000, 200_000),
        (catchUp, pauses, gridMs, spreadMs) => {
          const schedule = every(gridMs);
          const limits = { triggerId: 't', schedule, catchUp, spreadMs, startAt: null, endAt: null };
          const decided: number[] = [];
          const wrong: DueInstant[] = [];
          let [cursor, now] = [begin, begin];
          for (const pause of pauses) {
            now += pause;
            const decision = decideDue({ ...limits, cursor, now });
            for (const one of decision.instants) {
              // what runs is one instant, never a sum of them
              const isSound = one.isRun
                ? one.until === undefined && ['due', 'caught_up'].includes(one.reason)
                : one.reason.startsWith('missed');
              if (!isSound) wrong.push(one);
              decided.push(...instantsOf(one, gridMs));
            }
            cursor = decision.cursor;
            expect(decision.nextAt).toBe(firstOf(limits, cursor)?.effectiveAt);
          }
          const expected: number[] = [];
          let next = firstOf(limits, begin);
          for (; next !== null && next.effectiveAt <= now; next = firstOf(limits, next.nominalAt))
            expected.push(next.nominalAt);
          expect(wrong).toEqual([]);
          expect(decided).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('of what was missed, none runs with `none`, at most one with `last`, at most so many with `all`', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 7_200_000 }), (catchUp, pause) => {
        const limits = { triggerId: 't', schedule: every(60_000), spreadMs: 0, startAt: null, endAt: null };
        const { instants } = decideDue({ ...limits, catchUp, cursor: begin, now: begin + pause });
        const madeGood = instants.filter(({ reason }) => reason === 'caught_up');
        const most = { none: 0, last: 1, all: catchUp.max }[catchUp.policy];
        expect(madeGood.length).toBeLessThanOrEqual(most);
        for (const { effectiveAt } of instants.filter(({ reason }) => reason === 'due'))
          expect(begin + pause - effectiveAt).toBeLessThanOrEqual(onTimeMs);
        for (const { effectiveAt } of madeGood)
          expect(begin + pause - effectiveAt).toBeLessThanOrEqual(Math.max(catchUp.windowMs, onTimeMs));
      }),
    );
  });

  test('of a gap of any length `all` makes good exactly the newest ones that its limit allows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.constantFrom(1_000, 60_000),
        (max, missed, gridMs) => {
          const limits = { triggerId: 't', schedule: every(gridMs), spreadMs: 0, startAt: null, endAt: null };
          const catchUp = { policy: 'all', windowMs: 100 * 86_400_000, max } as const;
          const now = begin + missed * gridMs;
          const { instants } = decideDue({ ...limits, catchUp, cursor: begin, now });
          const all = Array.from({ length: missed }, (_, n) => begin + (n + 1) * gridMs);
          const [late, onTime] = [
            all.filter((at) => now - at > onTimeMs),
            all.filter((at) => now - at <= onTimeMs),
          ];
          const ran = instants.filter(({ isRun }) => isRun).map(({ nominalAt }) => nominalAt);
          expect(ran).toEqual([...late.slice(-max), ...onTime]);
          expect(instants.flatMap((one) => instantsOf(one, gridMs))).toEqual(all);
          const reasons = new Set(instants.filter(({ isRun }) => !isRun).map(({ reason }) => reason));
          expect([...reasons]).toEqual(late.length > max ? ['missed_limit'] : []);
        },
      ),
      { numRuns: 100 },
    );
  });
});
