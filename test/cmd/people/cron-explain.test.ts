import { expect, test } from 'vitest';
import { cli } from '../harness.ts';

const explain = (...words: string[]) => cli(['cron', 'explain', ...words]);

test('a time that a clock change skips is told with its instants', async () => {
  const { status, out } = await explain(
    '30 2 * * *',
    '--tz',
    'Europe/Berlin',
    '--after',
    '2026-03-28T12:00:00Z',
    '--count',
    '2',
  );
  expect(status).toBe(0);
  expect(out).toBe(
    [
      'At 02:30, every day (Europe/Berlin)',
      '',
      '2026-03-29T01:00:00.000Z  2026-03-29 03:00 +02:00  the clock goes forward at this minute, by 60 min',
      '2026-03-30T00:30:00.000Z  2026-03-30 02:30 +02:00',
      '',
    ].join('\n'),
  );
});

test('an hour that comes twice is told both times', async () => {
  const { out } = await explain(
    '0 * * * *',
    '--tz',
    'America/New_York',
    '--after',
    '2026-11-01T04:30:00Z',
    '--count',
    '3',
  );
  expect(out).toMatch(
    /01:00 -04:00 {2}the first time of this time of day.*\n.*01:00 -05:00 {2}the second time.*\n.*02:00 -05:00\n/,
  );
});

test('with --json the answer is one object', async () => {
  const { out } = await explain(
    'H/20 9 * * 1',
    '--trigger-id',
    'trg_a',
    '--after',
    '2026-01-01T00:00:00Z',
    '--count',
    '2',
    '--json',
  );
  expect(JSON.parse(out)).toEqual({
    expression: 'H/20 9 * * 1',
    zone: 'UTC',
    next: ['2026-01-05T09:06:00.000Z', '2026-01-05T09:26:00.000Z'],
    expanded: '6-59/20 9 * * 1',
    words: expect.stringContaining('on Monday'),
    warnings: [],
    notes: [],
  });
});

test('what is doubtful is warned of on stderr, and the answer stands', async () => {
  const { status, out, err } = await explain('* 2 13 * 5', '--count', '1');
  expect([status, out.split('\n').length]).toEqual([0, 4]);
  expect(err).toContain('warning: runs in every minute of the hours 2');
  expect(err).toContain('warning: day of month and day of week are both restricted');
});

test.each([
  [['0 22-2 * * *'], 'in the hour field, got 22-2'],
  [['0 0 30 2 *'], 'a date that comes'],
  [['@daily', '--tz', 'EST'], 'a name such as Europe/Berlin, or UTC; got "EST"'],
  [['@daily', '--after', 'tomorrow'], '--after: expected an instant'],
  [['@daily', '--count', '0'], 'count'],
  [['H * * * *'], '--trigger-id'],
])('%j exits with 2 and says why', async (words, message) => {
  const { status, out, err } = await explain(...words);
  expect([status, out]).toEqual([2, '']);
  expect(err).toContain(message);
});
