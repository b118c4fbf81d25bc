import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { isReadable } from '../../../internal/api/readable.ts';

test.each([
  ['', true],
  ['  \n', true],
  ['{}', true],
  ['[{"a": 1}]\n', true],
  ['"ok"', true],
  ['OK', true],
  ['null', true],
  ['<!doctype html><p>Please log in', false],
  ['  <html>', false],
  ['{"id": ', false],
  ['[1, 2', false],
  ['"o', false],
  ['{}{}', false],
  [gzipSync('{}').toString('utf8'), false],
])('the body %j of a good answer: an API may have said it: %s', (text, expected) => {
  expect(isReadable(text)).toBe(expected);
});
