import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeCronRule, nextOf } from '../../../../internal/trigger/cron/cron-rule.ts';
import cases from './cases.json' with { type: 'json' };
import { makeRandomOf } from './random-of.ts';
import { dueBetween } from './reference.ts';

const utc = Date.UTC(2026, 0, 1);
const iso = (instants: readonly number[]) => instants.map((at) => new Date(at).toISOString());

describe('F-85: when a cron expression falls due', () => {
  test.each(cases)('$id: $about ($expression in $zone)', ({ expression, zone, after, next }) => {
    const rule = () => makeCronRule({ text: expression, zone });
    if (next === null) expect(rule).toThrow(expression);
    else expect(iso(nextOf(rule(), Date.parse(after), next.length))).toEqual(next);
  });

  test.each([
    ['@hourly', '2026-01-01T01:00'],
    ['@DAILY', '2026-01-02T00:00'],
    ['@weekly', '2026-01-04T00:00'],
    ['@monthly', '2026-02-01T00:00'],
    ['@yearly', '2027-01-01T00:00'],
    ['5/10 * * * *', '2026-01-01T00:05'],
    ['0 0 * * 1/2', '2026-01-02T00:00'],
    ['0 9 * JAN-mar Mon', '2026-01-05T09:00'],
    ['0 9 * * fri-sun', '2026-01-02T09:00'],
    ['0 0 L * *', '2026-01-31T00:00'],
    ['0 9 * * mon#2', '2026-01-12T09:00'],
    ['0 9 * * 5L', '2026-01-30T09:00'],
    ['0 0 15W 8 *', '2026-08-14T00:00'],
    ['0 0 ? * ?', '2026-01-02T00:00'],
    ['  0   9 * *\t1 ', '2026-01-05T09:00'],
  ])('%s', (text, next) => {
    expect(iso(nextOf(makeCronRule({ text, zone: 'UTC' }), utc, 1))[0]).toBe(`${next}:00.000Z`);
  });

  test.each([
    ['', 'expected five fields (minute hour day month weekday), got 0'],
    ['0 0 1 1 * *', 'got 6; there is no field for seconds'],
    ['@reboot', 'expected five fields or one of @hourly'],
    ['60 * * * *', '0 to 59, a range, a list or a step in the minute field, got 60'],
    ['0 24 * * *', 'in the hour field, got 24'],
    ['0 0 0 * *', 'in the day of month field, got 0'],
    ['0 0 * 13 *', '1 to 12 or jan to dec, a range, a list or a step in the month field, got 13'],
    ['0 0 * * 8', 'in the day of week field, got 8'],
    ['0 0 30 2 *', 'expected a date that comes'],
    ['0 0 31 4,6,9,11 *', 'expected a date that comes'],
    ['0 5-1 * * *', '(1-5 is two ranges) in the hour field'],
    ['*/0 * * * *', 'a step from 1 to 60 in the minute field'],
    ['*/61 * * * *', 'a step from 1 to 60 in the minute field'],
    ['1,,2 * * * *', 'in the minute field, got nothing'],
    ['? * * * *', 'in the minute field, got ?'],
    ['H * * * *', 'no H where there is no trigger'],
    ['1-5-7 * * * *', 'in the minute field, got 1-5-7'],
    [`${'1,'.repeat(200)}1 * * * *`, 'at most 256 characters'],
  ])('%j is refused, and the message names what is wrong', (text, message) => {
    expect(() => makeCronRule({ text, zone: 'UTC' })).toThrow(message);
  });

  test('of other texts none is taken for an expression that is none, and none ends in another error', () => {
    const char = fc.constantFrom(...'0123456789*/-,?#LWH()@ monjasu\t\0é'.split(''));
    fc.assert(
      fc.property(fc.array(char, { maxLength: 24 }), (chars) => {
        try {
          const rule = makeCronRule({ text: chars.join(''), zone: 'UTC', triggerId: 't' });
          expect(rule.next(utc)).toBeGreaterThan(utc);
        } catch (error) {
          expect(error).toMatchObject({ code: 'KERUTA_ERR_CRON' });
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each(['EST', '+09:00', 'Etc/GMT-9', 'GMT', 'Mars/Base', '', 'Asia/Tokyo; DROP'])(
    'the zone %j is refused',
    (zone) => {
      expect(() => makeCronRule({ text: '@daily', zone })).toThrow('expected a name such as Europe/Berlin');
    },
  );

  test.each([
    ['europe/berlin', 'Europe/Berlin'],
    ['utc', 'UTC'],
    ['Asia/Calcutta', 'Asia/Calcutta'],
    ['America/Argentina/Ushuaia', 'America/Argentina/Ushuaia'],
  ])('the zone %s is %s', (zone, name) => {
    expect(makeCronRule({ text: '@daily', zone }).zone).toBe(name);
  });

  test.each([
    ['* * * * *', 'runs every minute'],
    ['* 2 * * *', 'runs in every minute of the hours 2'],
    ['0 0 13 * 5', 'both restricted'],
    ['0 0 13 * *', null],
  ])('%s warns of %s', (text, warning) => {
    const { warnings } = makeCronRule({ text, zone: 'UTC' }).expression;
    if (warning === null) expect(warnings).toEqual([]);
    else expect(warnings.join()).toContain(warning);
  });
});

/** Around changes of the clock, also of half an hour, at midnight, and over the date line. */
const windows: readonly (readonly [string, string])[] = [
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['Pacific/Chatham', '2026-04-05'],
  ['Pacific/Chatham', '2026-09-27'],
  ['America/St_Johns', '2026-03-08'],
  ['Africa/Cairo', '2026-04-24'],
  ['Africa/Cairo', '2026-10-30'],
  ['America/Santiago', '2026-04-05'],
  ['America/Santiago', '2026-09-06'],
  ['America/Asuncion', '2022-10-02'],
  ['Asia/Tehran', '2022-03-22'],
  ['Africa/Casablanca', '2026-03-22'],
  ['Pacific/Apia', '2011-12-30'],
  ['Asia/Kathmandu', '2026-06-01'],
  ['UTC', '2024-02-29'],
];

describe('against an independent enumeration', () => {
  test('five hundred random expressions around changes of the clock agree', () => {
    const pick = makeRandomOf(20261121);
    for (let round = 0; round < 500; round++) {
      const [zone = 'UTC', day = ''] = windows[round % windows.length] ?? [];
      const expression = [
        pick(['*', '0', '30', '*/15', '15,45', String(pick(60)), '10-50/20']),
        pick(['*', '*', '1', '2', '3', '0', '*/2', '1-3', '0,2,23', String(pick(24))]),
        pick(['*', '*', '*', '1,15', String(pick(28) + 1), '*/2']),
        pick(['*', '*', '*', '3,4,10,11']),
        pick(['*', '*', '*', '0', '1-5', '7']),
      ].join(' ');
      const after = Date.parse(`${day}T00:00:00Z`) - 30 * 3_600_000 + pick(24 * 60) * 60_000;
      const until = after + 60 * 3_600_000;
      const rule = makeCronRule({ text: expression, zone });
      const found: number[] = [];
      for (let at = rule.next(after); at !== null && at <= until; at = rule.next(at)) found.push(at);
      expect({ expression, zone, due: iso(found) }).toEqual({
        expression,
        zone,
        due: iso(dueBetween({ expression, zone, after, until })),
      });
    }
  }, 120_000);
});
