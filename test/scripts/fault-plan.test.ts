import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { alone, longest, nameOf, planFaults } from '../../scripts/fault-plan.ts';

const directory = resolve(import.meta.dirname, '../faults');
const files = readdirSync(directory)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `test/faults/${name}`);

test('every file of fault rows is planned once', () => {
  const { together, alone: after } = planFaults(files);
  expect([...together, ...after].sort()).toEqual([...files].sort());
});

test('the longest files begin first, and those that must not be disturbed are not among the others', () => {
  const { together, alone: after } = planFaults(files.toReversed());
  expect(together.slice(0, longest.length).map(nameOf)).toEqual(longest);
  expect(after.map(nameOf).toSorted()).toEqual(alone.toSorted());
});

test('a part of a path chooses files', () => {
  const chosen = planFaults(files, ['test/faults/tree-odd', 'test/faults/git.test.ts']);
  expect(chosen).toEqual({ together: ['test/faults/git.test.ts'], alone: ['test/faults/tree-odd.test.ts'] });
});

test('a file that is named in the plan is there', () => {
  expect([...longest, ...alone].filter((name) => !files.map(nameOf).includes(name))).toEqual([]);
});
