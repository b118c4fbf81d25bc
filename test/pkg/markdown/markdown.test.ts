import { expect, test } from 'vitest';
import { fenced, plainLine } from '../../../pkg/markdown/markdown.ts';

test('a block is closed by a fence that is longer than any inside', () => {
  expect(fenced('a')).toEqual(['```text', 'a', '```']);
  expect(fenced('````\nx')).toEqual(['`````text', '````\nx', '`````']);
});

test('a line calls nobody, links nowhere and stays one line', () => {
  expect(plainLine('@ann *x* [a](b)\n<b>')).toBe('@\u200bann \\*x\\* \\[a\\]\\(b\\) \\<b\\>');
});
