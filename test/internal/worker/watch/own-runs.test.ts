import { expect, test } from 'vitest';
import { type OwnRun, ranAt, withRunning } from '../../../../internal/worker/watch/own-runs.ts';

const runs: readonly OwnRun[] = [
  { taskId: 'a', from: 1000, to: 2000 },
  { taskId: 'b', from: 5000, to: null },
];

test.each([
  [{ from: 1500, to: 1500 }, 'a'],
  [{ from: 2000, to: 2000 }, 'a'],
  // times of files are finer than those of runs
  [{ from: 2000.9, to: 2000.9 }, 'a'],
  [{ from: 2001, to: 2001 }, null],
  [{ from: 900, to: 900 }, null],
  // the clock of files is one tick of the kernel behind
  [{ from: 995, to: 995 }, 'a'],
  // somewhen between two looks
  [{ from: 0, to: 3000 }, 'a'],
  [{ from: 2500, to: 4000 }, null],
  [{ from: 6000, to: 7000 }, 'b'],
])('what changed in %j is the work of %s', (span, taskId) => {
  expect(ranAt(runs, span)).toBe(taskId);
});

test('a run that is taken up by another agent goes on, and the next one ends it', () => {
  expect(withRunning(runs, 'b', 9000)).toBe(runs);
  expect(withRunning(runs, null, 9000).at(-1)).toEqual({ taskId: 'b', from: 5000, to: 9000 });
  expect(withRunning(runs, 'c', 9000).slice(1)).toEqual([
    { taskId: 'b', from: 5000, to: 9000 },
    { taskId: 'c', from: 9000, to: null },
  ]);
});

test('runs are forgotten when nothing of theirs can come any more', () => {
  expect(withRunning(runs, 'c', 5 * 3_600_000)).toHaveLength(2);
});
