import { expect, test } from 'vitest';
import { frequentPromise, patienceMs, usualPromise } from '../../cmd/keruta/patience.ts';

test.each([
  ['every command', usualPromise, 0, 4_300],
  ['every command, its start quick', usualPromise, 250, 4_050],
  ['every command, its start slow', usualPromise, 2_000, 2_300],
  ['every command, its start too slow', usualPromise, 60_000, 1_500],
  ['what is said in loops', frequentPromise, 0, 1_600],
  ['what is said in loops, its start slow', frequentPromise, 900, 700],
  ['what is said in loops, its start too slow', frequentPromise, 5_000, 500],
])('F-112: %s waits for what its promise leaves of the time: %#', (_who, promise, spentMs, expected) => {
  expect(patienceMs(promise, spentMs)).toBe(expected);
});
