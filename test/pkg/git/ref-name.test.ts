import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRef, refFault } from '../../../pkg/git/ref-name.ts';
import { badRefs } from '../../fixtures/hostile-names.ts';

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

describe('parseRef', () => {
  test.each(good)('%s is taken', (text, wanted) => {
    expect(parseRef(text)).toEqual(wanted);
  });

  test.each(badRefs.map((text) => [JSON.stringify(text.slice(0, 40)), text]))(
    'S-22: %s is refused',
    (_shown, text) => {
      expect(() => parseRef(text)).toThrow(expect.objectContaining({ fault: 'refused' }));
    },
  );

  test('nothing is taken that git itself would not take', () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      '-',
      '.',
      '..',
      '/',
      '@',
      '{',
      '@{',
      '.lock',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      '\\',
    );
    const odd = fc.constantFrom(
      ' ',
      '\t',
      '\u007f',
      '\u0001',
      'é',
      '日',
      '_',
      '+',
      '=',
      '#',
      '%',
      '&',
      '!',
      '"',
      "'",
      '$',
      ';',
    );
    const name = fc
      .array(fc.oneof(piece, odd), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join(''));
    const property = fc.property(
      name.filter((text) => refFault(text) === null),
      (text) => {
        execFileSync('git', ['check-ref-format', `refs/heads/${text}`]);
      },
    );
    fc.assert(property, { numRuns: 150 });
  });
});
