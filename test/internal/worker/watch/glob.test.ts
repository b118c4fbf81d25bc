import { expect, test } from 'vitest';
import { pathIgnorer } from '../../../../internal/trigger/path-pattern.ts';
import { pathMatcher } from '../../../../pkg/glob/path-matcher.ts';

test('patterns without a slash count at any depth', () => {
  expect(['a.pdf', 'x/y/b.pdf', 'b.txt'].filter(pathMatcher(['*.{pdf,doc}']))).toEqual([
    'a.pdf',
    'x/y/b.pdf',
  ]);
  expect(['in/a', 'in/x/a', 'a'].filter(pathMatcher(['in/**/a']))).toEqual(['in/a', 'in/x/a']);
  expect(['a\nb', 'a b', 'ä?'].filter(pathMatcher(['a?b', 'ä*']))).toEqual(['a\nb', 'a b', 'ä?']);
});

test('what is ignored takes all below along, and what tools make is ignored in any case', () => {
  const names = ['.git/x', 'a/node_modules/b', 'tmp/x/y', 'a', 'dist/b', '.keruta/doc/c'];
  expect(names.filter((name) => !pathIgnorer(['tmp/**'])(name))).toEqual(['a']);
});
