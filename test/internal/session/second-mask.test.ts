import { describe, expect, test } from 'vitest';
import { makeSecondMask } from '../../../internal/session/second-mask.ts';
import { tokenPrefixes } from '../../../internal/session/tokens.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { maskPasswords } from '../../../pkg/redact/passwords-of.ts';
import { heldUp } from '../../faults/lab/starvation.ts';

const own = 'the key of the server';
const mask = makeSecondMask([own, 'keruta']);

describe('S-29: the second mask', () => {
  test.each(Object.entries(tokenPrefixes))('hides a token of scope %s', (_scope, prefix) => {
    const token = prefix + systemRandom.secret(32);
    expect(mask.text(`with ${token}, it said`)).toBe(`with ${'*'.repeat(token.length)}, it said`);
  });

  test.each([
    ['GitHub lends', `ghs_${'a1'.repeat(18)}`],
    ['a person has at GitHub', `github_pat_${'1A_b'.repeat(20)}`],
  ])('hides a token that %s', (_who, token) => {
    expect(mask.text(`x ${token}`)).toBe(`x ${'*'.repeat(token.length)}`);
  });

  test.each([
    ['https://me:pass-word@host/x', 'https://me:*********@host/x'],
    ['postgres://u:p%40ssword@h, redis://:another@h', 'postgres://u:**********@h, redis://:*******@h'],
    ['https://ghx_token@host', 'https://*********@host'],
    ['ssh://git@host/x and https://host/a@b', 'ssh://git@host/x and https://host/a@b'],
    ['http://me:short@h', 'http://me:short@h'],
  ])('hides the password in %s', (text, expected) => {
    expect(mask.text(text)).toBe(expected);
  });

  test('hides secrets of the server in their encodings, but none of under 8 bytes', () => {
    for (const form of [own, Buffer.from(own).toString('hex'), encodeURIComponent(own)])
      expect(mask.text(`it is ${form}.`)).toBe(`it is ${'*'.repeat(form.length)}.`);
    expect(mask.text('keruta: not found')).toBe('keruta: not found');
  });

  test('gives a value in which nothing is as it is', () => {
    const value = {
      logs: [{ level: 'INFO', message: 'see https://host/a, mail me@host', metadata: { n: 1 } }],
    };
    expect(mask.deep(value)).toBe(value);
    expect(mask.deep(null)).toBeNull();
  });

  test('hides in every text of a value but in those that programs read', () => {
    const value = { a: [{ message: own, n: 1, none: null }], script: own, choices: [own], key: own };
    expect(mask.deep(value)).toEqual({
      ...value,
      a: [{ message: '*'.repeat(own.length), n: 1, none: null }],
    });
  });

  test('takes time that grows with the text only', () => {
    const [from, held] = [performance.now(), heldUp()];
    for (const piece of ['a://b:c12345@', 'a://', 'a://b:', 'krt_ses_', '@://']) {
      const text = Array.from({ length: 1024 ** 2 / piece.length }, (_, n) => piece + (n % 10)).join('');
      mask.text(text);
    }
    expect(performance.now() - from).toBeLessThan(20_000 + held());
    expect(maskPasswords('a://b:c12345@'.repeat(3))).toBe('a://b:******@'.repeat(3));
  });
});
