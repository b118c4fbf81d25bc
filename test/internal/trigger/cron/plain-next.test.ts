import { Cron } from 'croner';
import { describe, expect, test } from 'vitest';
import { makeCronRule } from '../../../../internal/trigger/cron/cron-rule.ts';
import { plainNext, readPlain } from '../../../../internal/trigger/cron/plain-next.ts';
import { blockMs, steadyOffset } from '../../../../internal/trigger/cron/steady-offset.ts';
import { makeRandomOf } from './random-of.ts';

const hourMs = 3_600_000;
const zones = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'America/Santiago', 'Australia/Lord_Howe', 'Africa/Cairo'],
  ...['Africa/Casablanca', 'Asia/Kathmandu', 'Pacific/Apia', 'Pacific/Chatham', 'Asia/Tehran', 'Asia/Gaza'],
];

/** What croner says, without the short way. */
function truthOf(text: string, zone: string) {
  const { expanded } = makeCronRule({ text, zone }).expression;
  const rule = { fixedTimeRule: 'no-wildcard', mode: '5-part', paused: true } as const;
  const cron = new Cron(expanded, { timezone: zone, ...rule });
  return { expanded, next: (after: number) => cron.nextRun(new Date(after))?.getTime() ?? null };
}

describe('the short way to the next instant', () => {
  test('says what croner says for a thousand random plain expressions at any instant of twenty years, or nothing', () => {
    const pick = makeRandomOf(4242);
    let taken = 0;
    for (let round = 0; round < 1000; round++) {
      const zone = pick(zones);
      const text = [
        pick(['*', '0', '*/15', '15,45', '10-50/20', '7/11', String(pick(60))]),
        pick(['*', '0', '2', '1-3', '*/6', '0,23', '5/4', String(pick(24))]),
        pick(['*', '*', '1', '29', '31', '*/2', '10-20', String(pick(28) + 1)]),
        pick(['*', '*', '2', '3,10', '*/3', '11-12']),
        pick(['*', '*', '0', '7', '1-5', '*/2', '6,7', '1/2']),
      ].join(' ');
      // a date that never comes is refused when the rule is made
      if (/ (29|31) 2 /.test(text)) continue;
      const { expanded, next } = truthOf(text, zone);
      const fields = readPlain(expanded);
      if (fields === null) throw new Error(`${text} is plain`);
      const after = Date.UTC(2007, 0, 1) + pick(20 * 365) * 24 * hourMs + pick(24 * hourMs);
      const short = plainNext(fields, zone, after);
      if (short === undefined) continue;
      taken += 1;
      expect({ text, zone, after, next: short }).toEqual({ text, zone, after, next: next(after) });
    }
    // and it is no detour: most of them took it
    expect(taken).toBeGreaterThan(500);
  }, 120_000);

  test.each(['0 0 L * *', '0 9 * * 1#2', '0 9 15W * *', '0 9 * * 5L'])('is not taken by %s', (text) => {
    expect(readPlain(text)).toBeNull();
  });

  test.each([
    ['Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
    ['Pacific/Apia', '2011-12-30T10:00:00Z'],
    ['Africa/Casablanca', '2026-02-15T02:00:00Z'],
  ])('is not taken in %s within a day behind the change of %s', (zone, change) => {
    for (const hours of [0, 1, 12, 24]) {
      const at = Date.parse(change) + hours * hourMs;
      expect([hours, steadyOffset(zone, Math.floor(at / blockMs))]).toEqual([hours, null]);
    }
  });

  test('knows the offset of a zone where nothing changes', () => {
    const block = Math.floor(Date.UTC(2026, 6, 1) / blockMs);
    expect(steadyOffset('UTC', block)).toBe(0);
    expect(steadyOffset('Europe/Berlin', block)).toBe(2 * hourMs);
    expect(steadyOffset('Asia/Kathmandu', block)).toBe(5.75 * hourMs);
    expect(steadyOffset('America/New_York', block)).toBe(-4 * hourMs);
  });
});
