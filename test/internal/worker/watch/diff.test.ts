import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyChanges,
  diffFiles,
  type FileState,
  isSameStat,
} from '../../../../internal/worker/watch/diff.ts';
import { state, table } from './samples.ts';

const told = (before: Record<string, FileState>, after: Record<string, FileState>) =>
  diffFiles(new Map(Object.entries(before)), new Map(Object.entries(after))).map(
    ({ kind, path, renamedFrom }) => [kind, path, ...(renamedFrom ? [renamedFrom] : [])].join(' '),
  );

describe('what changed', () => {
  test.each([
    ['a new file', {}, { a: state('1') }, ['create a']],
    ['an atomic save', { a: state('1') }, { a: state('2', 'b') }, ['modify a']],
    ['a rename', { a: state('1') }, { b: state('1') }, ['rename b a']],
    [
      'a rename with new content of another size',
      { a: state('1') },
      { b: { ...state('1'), size: 2 } },
      ['delete a', 'create b'],
    ],
    ['a move of another file', { a: state('1') }, { b: state('2') }, ['delete a', 'create b']],
  ])('of %s is told once', (_what, before, after, changes) => {
    expect(told(before as never, after as never).toSorted()).toEqual(changes.toSorted());
  });

  test('leads from what was known to what is there, each file named once, whatever it was', () => {
    fc.assert(
      fc.property(table, table, (before, after) => {
        const changes = diffFiles(before, after);
        const result = new Map(before);
        applyChanges(result, changes);
        expect(new Set(result.keys())).toEqual(new Set(after.keys()));
        for (const [path, there] of after)
          expect(isSameStat(there, result.get(path) as FileState)).toBe(true);
        const named = changes.flatMap(({ path, renamedFrom }) => [
          path,
          ...(renamedFrom ? [renamedFrom] : []),
        ]);
        expect(
          named.filter((path, index) => named.indexOf(path) !== index && before.has(path) && after.has(path)),
        ).toEqual([]);
        expect(diffFiles(result, after)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('of files that are as they were is nothing', () => {
    fc.assert(
      fc.property(table, (one) => {
        expect(diffFiles(one, one)).toEqual([]);
      }),
    );
  });
});
