import { describe, expect, test } from 'vitest';
import { wallTime } from '../../../pkg/clock/wall-time.ts';

const at = (text: string) => Date.parse(text);

describe('what the clock on the wall shows', () => {
  test.each([
    ['UTC', '2026-03-08T07:05:00Z', { date: '2026-03-08', hour: 7, minute: 5, offset: '+00:00' }],
    [
      'America/New_York',
      '2026-03-08T06:59:59Z',
      { date: '2026-03-08', hour: 1, minute: 59, offset: '-05:00' },
    ],
    [
      'America/New_York',
      '2026-03-08T07:00:00Z',
      { date: '2026-03-08', hour: 3, minute: 0, offset: '-04:00' },
    ],
    ['Asia/Kathmandu', '2026-01-01T18:15:00Z', { date: '2026-01-02', hour: 0, minute: 0, offset: '+05:45' }],
  ])('in %s at %s', (zone, instant, shown) => {
    expect(wallTime(zone, at(instant))).toEqual(shown);
  });

  test('of an hour that comes twice differs by its offset only', () => {
    const [first, second] = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'].map((text) =>
      wallTime('Europe/Berlin', at(text)),
    );
    expect(first).toEqual({ date: '2026-10-25', hour: 2, minute: 30, offset: '+02:00' });
    expect(second).toEqual({ ...first, offset: '+01:00' });
  });

  test('of a zone that does not exist is a fault', () => {
    expect(() => wallTime('Mars/Base', 0)).toThrow(RangeError);
  });
});
