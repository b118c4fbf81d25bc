import { describe, expect, test } from 'vitest';
import { diffTables, type FileState } from '../../../../internal/worker/watch/diff.ts';
import { ignorer, matcher } from '../../../../internal/worker/watch/glob.ts';
import { Settling } from '../../../../internal/worker/watch/settling.ts';

const state = (inode: string, sha256 = 'a', mtimeNs = '1'): FileState => ({
  size: 1,
  mtimeNs,
  inode,
  sha256,
});
const all = ['create', 'modify', 'delete', 'rename'] as const;
const diff = (before: Record<string, FileState>, after: Record<string, FileState>) =>
  diffTables({ before: new Map(Object.entries(before)), after: new Map(Object.entries(after)) }, all).map(
    ({ kind, path, renamedFrom }) => [kind, path, ...(renamedFrom ? [renamedFrom] : [])].join(' '),
  );

describe('what changed', () => {
  test.each([
    ['a new file', {}, { a: state('1') }, ['create a']],
    ['an atomic save', { a: state('1') }, { a: state('2', 'b') }, ['modify a']],
    ['a touch', { a: state('1') }, { a: state('1', 'a', '2') }, []],
    ['a rename', { a: state('1') }, { b: state('1') }, ['rename b a']],
    ['a move of another file', { a: state('1') }, { b: state('2') }, ['delete a', 'create b']],
  ])('of %s is told once', (_what, before, after, told) => {
    expect(diff(before as never, after as never)).toEqual(told);
  });
});

test('a slow writer is waited for, and counts once', () => {
  const settling = new Settling({ restMs: 2000, isBatch: false });
  const at = (size: number) => [{ kind: 'create' as const, path: 'a', ...state('1'), size }];
  for (let n = 0; n < 10; n++) expect(settling.look(at(n), n * 1500).ready).toEqual([]);
  expect(settling.look(at(9), 13_500 + 1999)).toMatchObject({ ready: [], againMs: 1 });
  expect(settling.look(at(9), 13_500 + 2000)).toMatchObject({ ready: [{ size: 9 }], againMs: null });
});

test('patterns without a slash count at any depth, and what is ignored takes all below along', () => {
  expect(['a.pdf', 'x/y/b.pdf', 'b.txt'].filter(matcher(['*.{pdf,doc}']))).toEqual(['a.pdf', 'x/y/b.pdf']);
  expect(['in/a', 'in/x/a', 'a'].filter(matcher(['in/**/a']))).toEqual(['in/a', 'in/x/a']);
  expect(['.git/x', 'a/node_modules/b', 'tmp/x/y', 'a'].filter(ignorer(['tmp/**']))).toEqual([
    '.git/x',
    'a/node_modules/b',
    'tmp/x/y',
  ]);
});
