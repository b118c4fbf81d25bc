import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSize, parseSize } from '../../../internal/config/size.ts';
import { formatDuration, maxDurationMs, parseDuration } from '../../../internal/domain/duration.ts';

describe('durations', () => {
  test.each([
    ['30', 30_000],
    ['30s', 30_000],
    [' 1h30m ', 5_400_000],
    ['1h0m0s', 3_600_000],
    ['1.5s', 1500],
    ['250ms', 250],
    ['2d', 172_800_000],
    ['0', 0],
    ['0.5', 500],
  ])('reads %j as %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each([
    '',
    's',
    '-1',
    '-5s',
    '1x',
    '5 minutes',
    '1e3',
    'NaN',
    '1h-2m',
    '30,5',
    '99999999d',
    '0x10',
    '1.',
    '∞',
  ])('does not take %j', (text) => expect(parseDuration(text)).toBeNull());

  test('a bare number has the unit that it is given', () => {
    expect(parseDuration('5', 'ms')).toBe(5);
    expect(parseDuration('5', 'm')).toBe(300_000);
    expect(parseDuration('5s', 'm')).toBe(5000);
  });

  test('what is written is read as the same number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: maxDurationMs }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  test('any text gives null or a whole number that is not negative', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.smhd -x') }), (text) => {
        const ms = parseDuration(text);
        expect(ms === null || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
      }),
    );
  });
});

describe('sizes', () => {
  const [kb, mb, gb] = [1024, 1024 ** 2, 1024 ** 3];
  test.each([
    ['100', 100],
    ['100B', 100],
    ['100MB', 100 * mb],
    ['100MiB', 100 * mb],
    ['64k', 64 * kb],
    ['1.5 GiB', 1.5 * gb],
    ['0', 0],
  ])('reads %j as %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', 'MB', '-1', '1XB', '5ib', '1 M B', '99999999TB', '1e6'])('does not take %j', (text) =>
    expect(parseSize(text)).toBeNull(),
  );

  test('a bare number has the unit that it is given', () => {
    expect(parseSize('100', 'MB')).toBe(100 * mb);
    expect(parseSize('100B', 'MB')).toBe(100);
  });

  test('what is written is read as the same number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
        expect(parseSize(formatSize(bytes))).toBe(bytes);
      }),
    );
  });
});
