import { expect, test } from 'vitest';
import { matchesGlob } from '../../../../internal/trigger/email/glob.ts';
import { heldUp } from '../../../faults/lab/starvation.ts';

test.each([
  ['*', '', true],
  ['', '', true],
  ['', 'a', false],
  ['a*b*c', 'axxbyyc', true],
  ['a*b*c', 'axxbyy', false],
  ['*@example.com', 'ann@EXAMPLE.com', true],
  ['*@example.com', 'ann@example.com.evil.test', false],
  ['*.example.com', 'aXexampleXcom', false],
  ['?', '😀', true],
  ['a**b', 'ab', true],
])('%s against "%s": %s', (pattern, text, isMatch) => {
  expect(matchesGlob(pattern, text)).toBe(isMatch);
});

test('many stars against a long text take no time worth speaking of', () => {
  const [began, held] = [performance.now(), heldUp()];
  expect(matchesGlob('*a'.repeat(200), `${'a'.repeat(2_000)}b`)).toBe(false);
  expect(performance.now() - began).toBeLessThan(2_000 + held());
});
