import { expect, test } from 'vitest';
import { focusPattern, isInFocus } from '../../../internal/domain/focus.ts';

test.each([
  [[], [], true],
  [['stock'], [], true],
  [['stock'], ['stock'], true],
  [['Stock', 'orders'], ['sTOCK'], true],
  [['orders'], ['stock', 'ORDERS'], true],
  [['orders'], ['stock'], false],
  [['stock check'], ['stock'], false],
  [[], ['stock'], false],
  [['Caf\u00e9'], ['cafe\u0301'], true],
])('what is for %j is chosen by %j: %s', (its, chosen, expected) => {
  expect(isInFocus(its, chosen)).toBe(expected);
});

test.each([
  ['stock', true],
  ['stock check/2', true],
  ['在庫', true],
  ['', false],
  [' stock', false],
  ['stock ', false],
  ['a,b', false],
  ['a\tb', false],
  ['x'.repeat(100), true],
  ['x'.repeat(101), false],
])('%j is a focus: %s', (text, expected) => {
  expect(focusPattern.test(text)).toBe(expected);
});
