import { describe, expect, test } from 'vitest';
import { pathIgnorer } from '../../../internal/trigger/path-pattern.ts';
import { pathMatcher } from '../../../pkg/glob/path-matcher.ts';

describe('a pattern', () => {
  test.each([
    ['*.pdf', ['a.pdf', 'x/y/a.pdf'], ['a.pdf.part', 'pdf', 'a.pdf/b']],
    ['/*.pdf', ['a.pdf'], ['x/a.pdf']],
    ['in/*.pdf', ['in/a.pdf'], ['a.pdf', 'x/in/a.pdf', 'in/x/a.pdf']],
    ['in/**/*.pdf', ['in/a.pdf', 'in/x/y/a.pdf'], ['a.pdf', 'x/in/a.pdf']],
    ['**/error.log', ['error.log', 'a/error.log'], ['a/my-error.log']],
    ['**', ['a', 'a/b/.c'], []],
    ['*.{jpg,png}', ['a.jpg', 'b/a.png'], ['a.{jpg,png}', 'a.gif']],
    ['{a,b{1,2}}/x', ['a/x', 'b1/x', 'b2/x'], ['b/x', 'b{1,2}/x']],
    ['report-?.txt', ['report-1.txt'], ['report-10.txt', 'report-/.txt']],
    ['a{b', ['a{b', 'x/a{b'], ['ab']],
  ])('%s means the files that it says', (pattern, those, others) => {
    const matches = pathMatcher([pattern]);
    expect(those.filter((path) => !matches(path))).toEqual([]);
    expect(others.filter((path) => matches(path))).toEqual([]);
  });

  test('takes a moment only, whatever it is', () => {
    const matches = pathMatcher([`${'{a,b}'.repeat(20)}*`, `${'**/a'.repeat(12)}b`, `${'*a'.repeat(90)}b`]);
    const before = process.cpuUsage();
    expect(matches('a'.repeat(4000))).toBe(false);
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
  });
});

test('what is ignored takes all below it along; what tools make is ignored anyway', () => {
  const ignores = pathIgnorer(['processed', '/tmp/**', '*.part']);
  const paths = [
    'processed/a.pdf',
    'x/processed/y/a.pdf',
    'tmp/a',
    'a.part',
    '.git/config',
    'x/node_modules/y',
  ];
  expect(paths.filter((path) => !ignores(path))).toEqual([]);
  expect(['a.pdf', 'x/tmp/a', 'processed.pdf', 'git/config'].filter((path) => ignores(path))).toEqual([]);
});
