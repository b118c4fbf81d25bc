import { describe, expect, test } from 'vitest';
import { readFilter } from '../../../../internal/trigger/webhook/filter.ts';
import { readPath, valueAt } from '../../../../internal/trigger/webhook/value-path.ts';
import { matchesGlob } from '../../../../pkg/glob/glob.ts';

const event = {
  body: {
    ref: 'refs/heads/release/1.2',
    forced: false,
    count: 3,
    none: null,
    list: [{ name: 'a' }, { name: 'b' }],
    'odd name': { 'x.y': 1 },
    sender: { login: 'ada' },
  },
  headers: { 'x-event': 'push' },
  query: { q: '1' },
  method: 'POST',
  kind: 'push',
};

describe('paths', () => {
  test.each([
    ['$.ref', 'refs/heads/release/1.2'],
    ['$.list[1].name', 'b'],
    ['$[\'odd name\']["x.y"]', 1],
    ['headers.X-Event', 'push'],
    ['query.q', '1'],
    ['method', 'POST'],
    ['$.none', null],
    ['$.list[2].name', undefined],
    ['$.list.length', undefined],
    ['$.constructor.name', undefined],
    ['$.__proto__', undefined],
    ['$.ref[0]', undefined],
  ])('%s leads to %j', (path, value) => {
    expect(valueAt(readPath(path), event)).toEqual(value);
  });

  test.each(['', 'ref', '$.', '$..a', '$.a[', '$.a[-1]', '$[*]', 'env.HOME', `$.${'a'.repeat(500)}`])(
    '%j is no path',
    (path) => {
      expect(() => readPath(path)).toThrow('expected a path');
    },
  );
});

describe('filters', () => {
  test.each([
    ["$.ref == 'refs/heads/release/1.2'", true],
    ["$.ref matches 'refs/heads/release/*'", true],
    ["$.ref matches 'refs/*'", false],
    ["$.ref matches 'refs/**'", true],
    ["kind in ['push', 'tag'] and $.count == 3", true],
    ['$.count == "3"', false],
    ['$.none == null', true],
    ['$.missing == null', false],
    ['$.missing != 1', true],
    ['$.sender exists and not $.missing exists', true],
    ["kind == 'x' or kind == 'push' and method == 'GET'", false],
    ["(kind == 'x' or kind == 'push') && !(method == 'GET')", true],
    ["$.list matches '**'", false],
    ['$.forced == false', true],
    ["'it\\'s' == $.ref", null],
    ["$.sender.login == 'a\\da'", true],
  ])('%s', (text, expected) => {
    if (expected === null) expect(() => readFilter(text)).toThrow('expected a path');
    else expect(readFilter(text)(event)).toBe(expected);
  });

  test.each([
    ['', 'expected a path such as $.ref at the end'],
    ['$.a', 'expected ==, !=, in, matches or exists at the end'],
    ['$.a == ', 'expected a text in quotes, a number, true, false or null at the end'],
    ['$.a == b', 'cannot read "b" at character 8'],
    ["$.a == 'b", 'cannot read'],
    ['$.a in []', 'expected a text in quotes'],
    ["$.a == 'b' $.c", 'expected and, or, or the end at character 12'],
    ['($.a exists', 'expected ) at the end'],
    ['$.a matches 3', 'expected a pattern in quotes'],
    [`$.a matches '${'a'.repeat(201)}'`, 'at most 200'],
    [`${'('.repeat(50)}$.a exists`, 'at most 20 levels'],
    ['$.a exists '.repeat(400), 'at most 4096 characters'],
    ['$.a =~ /x+/', 'cannot read'],
    ['system("x")', 'cannot read'],
  ])('%j is refused and says where', (text, message) => {
    expect(() => readFilter(text)).toThrow(message);
  });
});

describe('globs', () => {
  test.each([
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['*.md', 'x.md', true],
    ['*.md', 'd/x.md', false],
    ['**/*.md', 'd/e/x.md', true],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
    ['', '', true],
    ['*', '', true],
    ['**', 'a/b', true],
  ])('%s on %s: %s', (pattern, text, expected) => {
    expect(matchesGlob(pattern, text)).toBe(expected);
  });

  test('one that would take a backtracking matcher for ever is done as others are', () => {
    expect(matchesGlob(`${'*a'.repeat(99)}b`, 'a'.repeat(4096))).toBe(false);
  });
});
