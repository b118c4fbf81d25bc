import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RunnerTally, runnerFigures } from '../../../internal/worker/runner-figures.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

/** A run in which a runner left this. */
function runWith(text: string): string {
  const directory = temporaryDirectory('run');
  mkdirSync(join(directory, 'runner'));
  writeFileSync(join(directory, 'runner', 'result.json'), text);
  return directory;
}
const phase = (name: string, more: object = {}) => ({
  phase: name,
  outcome: 'done',
  durationMs: 10,
  message: '',
  ...more,
});

test('what a runner came to is counted, phase by phase, over all its tasks', () => {
  const text = JSON.stringify({
    success: false,
    phases: [phase('prepare'), phase('test', { outcome: 'failed', durationMs: 500 })],
    tests: { command: 'npm test', passed: false, rounds: 2, report: null },
  });
  const tally = new RunnerTally();
  for (let task = 0; task < 2; task++) {
    const figures = runnerFigures(runWith(text));
    if (figures !== null) tally.count(figures);
  }
  expect([...tally.ends]).toEqual([
    ['prepare done', 2],
    ['test failed', 2],
  ]);
  expect([...tally.phaseMs]).toEqual([
    ['prepare', 20],
    ['test', 1000],
  ]);
  expect(tally.testRounds).toBe(4);
});

test.each([
  ['no JSON', '{"phases": ['],
  ['phases of its own', JSON.stringify({ phases: [phase('mine')], tests: null })],
  ['a time that is none', JSON.stringify({ phases: [phase('test', { durationMs: -1 })], tests: null })],
  [
    'a million phases',
    JSON.stringify({ phases: Array.from({ length: 30 }, () => phase('test')), tests: null }),
  ],
])('a result with %s counts for nothing', (_what, text) => {
  expect(runnerFigures(runWith(text))).toBe(null);
});

test('a run without a runner has none', () => {
  expect(runnerFigures(temporaryDirectory('run'))).toBe(null);
});
