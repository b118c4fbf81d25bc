import { expect, test } from 'vitest';
import { nearbyNames } from '../../../pkg/git/nearby.ts';

test('nearbyNames puts what holds the text first, then what is spelt alike', () => {
  const names = ['refs/heads/zebra', 'refs/heads/feature/login', 'refs/tags/v1.0', 'refs/heads/maim'];
  expect(nearbyNames('login', names)[0]).toBe('feature/login');
  expect(nearbyNames('main', names, 1)).toEqual(['maim']);
  expect(nearbyNames('x', [])).toEqual([]);
});
