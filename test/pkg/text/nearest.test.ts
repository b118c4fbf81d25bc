import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../../pkg/text/nearest.ts';

test.each([
  ['timout', 'timeout'],
  ['tsak', 'task'],
  ['sesion', 'session'],
  ['zzz', null],
  ['', null],
])('nearest to %j is %j', (typed, name) => {
  expect(nearest(typed, ['timeout', 'task', 'session'])).toBe(name);
});

test('a swap of neighbours counts one', () => expect(editDistance('tsak', 'task')).toBe(1));
test('very different lengths are not compared', () => expect(editDistance('a', 'b'.repeat(50))).toBe(50));
