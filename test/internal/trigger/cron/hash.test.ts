import { describe, expect, test } from 'vitest';
import { readCron } from '../../../../internal/trigger/cron/expression.ts';
import { spreadMs } from '../../../../internal/trigger/cron/hash.ts';
import { u32 } from '../../../../pkg/hash/u32.ts';

const hour = 3_600_000;

describe('the spread of triggers by their ids', () => {
  test.each([
    ['trg_a', 2874587967, 200, 2409],
    ['trg_b', 482538164, 33, 404],
    ['trg_00000001', 1366154915, 95, 1145],
    ['毎朝レポート', 1361125337, 95, 1140],
  ])('%s keeps its place', (id, number, of300, of3600) => {
    expect(u32(id)).toBe(number);
    expect(spreadMs(id, 300_000, hour)).toBe(of300 * 1000);
    expect(spreadMs(id, hour, hour)).toBe(of3600 * 1000);
  });

  test.each([
    ['trg_a', 'H H * * *', '19 4 * * *'],
    ['trg_b', 'H H * * *', '22 2 * * *'],
    ['trg_00000001', 'H H * * *', '52 9 * * *'],
    ['trg_a', 'H/15 * * * *', '4-59/15 * * * *'],
    ['trg_b', 'H/15 * * * *', '5-59/15 * * * *'],
    ['trg_00000001', 'h/15 * * * *', '13-59/15 * * * *'],
  ])('%s: %s is %s', (id, text, expanded) => expect(readCron(text, id).expanded).toBe(expanded));

  test('H stays within its range, and within days that every month has', () => {
    for (let n = 0; n < 500; n++) {
      const [minute = 0, hours = 0, day = 0, month = 0, weekday = -1] = readCron(
        'H(10-20) H(0-5) H H H',
        `t${n}`,
      )
        .expanded.split(' ')
        .map(Number);
      expect(minute >= 10 && minute <= 20 && hours <= 5 && day >= 1 && day <= 28).toBe(true);
      expect(month >= 1 && month <= 12 && weekday >= 0 && weekday <= 6).toBe(true);
    }
  });

  test('a spread never reaches the next nominal time', () => {
    for (let n = 0; n < 1000; n++) expect(spreadMs(`t${n}`, 24 * hour, 60_000)).toBeLessThan(60_000);
  });

  test('ten thousand ids fall evenly on the minutes of an hour', () => {
    const counts = new Array<number>(60).fill(0);
    for (let n = 0; n < 10_000; n++) {
      const minute = Math.floor(spreadMs(`trg_${n}`, hour, hour) / 60_000);
      counts[minute] = (counts[minute] ?? 0) + 1;
    }
    const expected = 10_000 / 60;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 59 degrees of freedom, 99 %
    expect(chiSquare).toBeLessThan(87.2);
  });
});
