import { describe, expect, test } from 'vitest';
import { parseRef } from '../../../pkg/git/ref-name.ts';

const id = 'a'.repeat(40);

const good = [
  ['main', { kind: 'short', name: 'main' }],
  ['feature/a-b_c.d', { kind: 'short', name: 'feature/a-b_c.d' }],
  ['v1.2.3', { kind: 'short', name: 'v1.2.3' }],
  ['日本語', { kind: 'short', name: '日本語' }],
  ['a@b', { kind: 'short', name: 'a@b' }],
  ['refs/heads/main', { kind: 'full', name: 'refs/heads/main' }],
  ['refs/tags/v1', { kind: 'full', name: 'refs/tags/v1' }],
  [id, { kind: 'commit', id }],
  [id.toUpperCase(), { kind: 'commit', id }],
  ['b'.repeat(64), { kind: 'commit', id: 'b'.repeat(64) }],
  ['HEAD', { kind: 'head' }],
] as const;

const bad = [
  '',
  '--upload-pack=touch /tmp/x',
  '--upload-pack=touch',
  '-x',
  'feature/-x',
  'refs/heads/-x',
  'a..b',
  '@{-1}',
  'main@{1}',
  '@',
  'x.lock',
  'x.lock/y',
  '.hidden',
  'a/.b',
  'a//b',
  '/a',
  'a/',
  'a.',
  'a b',
  'a\nb',
  'a\0b',
  'a\u007fb',
  'a~1',
  'a^',
  'a:b',
  '+a:b',
  'a?',
  'a*',
  'a[b]',
  'a\\b',
  'refs/pull/1/head',
  'refs/heads/',
  'a'.repeat(10_000),
];

describe('parseRef', () => {
  test.each(good)('%s is taken', (text, wanted) => {
    expect(parseRef(text)).toEqual(wanted);
  });

  test.each(bad.map((text) => [JSON.stringify(text.slice(0, 40)), text]))('%s is refused', (_shown, text) => {
    expect(() => parseRef(text)).toThrow(expect.objectContaining({ fault: 'refused' }));
  });
});
