import { expect, test } from 'vitest';
import { readRange } from '../../../pkg/http/range.ts';

test.each([
  ['bytes=0-', { from: 0, to: 10 }],
  ['bytes=0-0', { from: 0, to: 1 }],
  ['bytes=2-5', { from: 2, to: 6 }],
  ['bytes=9-', { from: 9, to: 10 }],
  ['bytes=4-400', { from: 4, to: 10 }],
  ['bytes=-3', { from: 7, to: 10 }],
  ['bytes=-30', { from: 0, to: 10 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  [undefined, null],
  ['bytes=5-2', null],
  ['bytes=0-1,4-5', null],
  ['bytes=-', null],
  ['lines=1-2', null],
  ['bytes=9999999999999999999-', null],
])('of ten bytes, the header %j asks for %j', (header, range) => {
  expect(readRange(header, 10)).toEqual(range);
});

test('no range of an empty body can be satisfied', () => {
  expect(readRange('bytes=0-', 0)).toBe('unsatisfiable');
  expect(readRange('bytes=-5', 0)).toBe('unsatisfiable');
});
