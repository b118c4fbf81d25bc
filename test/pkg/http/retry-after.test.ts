import { expect, test } from 'vitest';
import { readRetryAfter } from '../../../pkg/http/retry-after.ts';

test.each([
  ['3', 3000],
  ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
  ['Thu, 01 Jan 2025 00:00:10 GMT', 0],
  ['soon', null],
  [undefined, null],
])('Retry-After is read as seconds or a date: %s', (header, expected) => {
  expect(readRetryAfter(header, Date.UTC(2026, 0, 1))).toBe(expected);
});
