import { expect, test } from 'vitest';
import { keepEnds } from '../../../pkg/lines/keep-ends.ts';

test('what fits is kept whole, whatever its pieces', () => {
  const kept = keepEnds(8, 0.5);
  for (const piece of ['ab', '', 'cdef', 'gh']) kept.add(Buffer.from(piece));
  expect(kept.bytes().toString()).toBe('abcdefgh');
});

test('of more the beginning and the end are kept, and it is said how much is missing', () => {
  const kept = keepEnds(8, 0.25);
  for (let n = 0; n < 5000; n++) kept.add(Buffer.from('0123456789'));
  expect(kept.bytes().toString()).toBe('01\n[… 49992 bytes are left out here …]\n456789');
});
