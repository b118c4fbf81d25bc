/**
 * Years of rules against a second opinion: nothing missed, nothing doubled. `KERUTA_SOAK=full` simulates ten years in every
 * zone; without it a few weeks around the changes of the clock.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCronRule } from '../../../../internal/trigger/cron/cron-rule.ts';
import { decideDue } from '../../../../internal/trigger/decide-due.ts';
import cases from './cases.json' with { type: 'json' };
import { makeRandomOf } from './random-of.ts';
import { dueBetween } from './reference.ts';

const isFull = process.env.KERUTA_SOAK === 'full';
const dayMs = 86_400_000;

const zones = [
  ...['UTC', 'Europe/Berlin', 'Europe/London', 'Europe/Dublin', 'Europe/Moscow', 'Europe/Istanbul'],
  ...['America/New_York', 'America/Chicago', 'America/Los_Angeles', 'America/St_Johns', 'America/Sao_Paulo'],
  ...['America/Santiago', 'America/Asuncion', 'America/Havana', 'America/Caracas', 'Africa/Cairo'],
  ...[
    'Africa/Casablanca',
    'Africa/Johannesburg',
    'Asia/Tokyo',
    'Asia/Kolkata',
    'Asia/Kathmandu',
    'Asia/Tehran',
  ],
  ...['Asia/Gaza', 'Asia/Beirut', 'Asia/Pyongyang', 'Australia/Sydney', 'Australia/Lord_Howe'],
  ...['Pacific/Chatham', 'Pacific/Auckland', 'Pacific/Norfolk'],
];
const expressions = [
  ...['0 * * * *', '*/30 * * * *', '30 2 * * *', '15,45 1 * * *', '0 0 * * *', '30 0 1 * *'],
  ...['0 9 * * 1-5', '0 */6 * * *', '45 23 * * 0', '0 3 29 2 *', '0 1-3 * * *', '30 23 31 12 *'],
];

/** Begin and end: ten years, or five weeks of spring and autumn. */
const spans: readonly (readonly [number, number])[] = isFull
  ? [[Date.UTC(2020, 0, 1), Date.UTC(2030, 0, 1)]]
  : [
      [Date.UTC(2026, 2, 5), Date.UTC(2026, 3, 9)],
      [Date.UTC(2026, 9, 1), Date.UTC(2026, 10, 5)],
    ];

/** A server that looks at irregular times; what it decided, in its order. */
function simulate(options: {
  readonly expression: string;
  readonly zone: string;
  readonly from: number;
  readonly to: number;
  readonly seed: number;
}): number[] {
  const { expression, zone, from, to, seed } = options;
  const pick = makeRandomOf(seed);
  const schedule = makeCronRule({ text: expression, zone });
  const catchUp = { policy: 'all', windowMs: 400 * dayMs, max: 1000 } as const;
  const limits = { startAt: null, endAt: null, spreadMs: 0, triggerId: 't', catchUp };
  const decided: number[] = [];
  let cursor = from;
  // up to ten days between two looks
  for (let now = from; now < to; ) {
    now = Math.min(to, now + 1 + pick(10 * dayMs));
    const decision = decideDue({ ...limits, schedule, cursor, now });
    decided.push(...decision.instants.map(({ nominalAt }) => nominalAt));
    cursor = decision.cursor;
  }
  return decided;
}

describe('a simulated server', () => {
  test.each(zones)(
    'in %s decides every instant of every expression once',
    (zone) => {
      for (const [n, expression] of expressions.entries()) {
        // in the small run each zone has a quarter of them
        if (!isFull && (n + zones.indexOf(zone)) % 4 !== 0) continue;
        for (const [from, to] of spans) {
          const decided = simulate({ expression, zone, from, to, seed: n + 1 });
          expect({ expression, decided }).toEqual({
            expression,
            decided: dueBetween({ expression, zone, after: from, until: to }),
          });
        }
      }
    },
    isFull ? 3_600_000 : 60_000,
  );
});

test('the time zone of the machine changes nothing', () => {
  const room = join(import.meta.dirname, '../../../../internal/trigger/cron/cron-rule.ts');
  const file = join(import.meta.dirname, 'cases.json');
  const program = `
    const { makeCronRule, nextOf } = await import(${JSON.stringify(room)});
    const { default: cases } = await import(${JSON.stringify(file)}, { with: { type: 'json' } });
    const found = cases.filter(({ next }) => next !== null).map(({ expression, zone, after, next }) =>
      nextOf(makeCronRule({ text: expression, zone }), Date.parse(after), next.length).map((at) => new Date(at).toISOString()));
    console.log(JSON.stringify([new Date(2026, 0, 1).getTimezoneOffset(), found]));`;
  const offsets = ['UTC', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia'].map((TZ) => {
    const options = { env: { ...process.env, TZ }, encoding: 'utf8' } as const;
    const [offset, found] = JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '-e', program], options),
    );
    expect([TZ, found]).toEqual([TZ, cases.flatMap(({ next }) => (next === null ? [] : [next]))]);
    return offset;
  });
  // the machine did look through four windows
  expect(new Set(offsets).size).toBe(4);
}, 60_000);
