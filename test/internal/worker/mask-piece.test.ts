import { expect, test } from 'vitest';
import { PieceMask } from '../../../internal/worker/mask-piece.ts';
import { maskingOf } from '../../../internal/worker/masking.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';

const secret = 'correct-horse';
const mebibyte = 1024 * 1024;
const maskOf = () => new PieceMask(systemClock);
const maskerOf = () => maskingOf([secret]).stream('stdout', { readAt: 0 });

test('a piece is masked as if it were masked at once, also where a secret lies across its slices', async () => {
  const piece = Buffer.alloc(mebibyte, 'x');
  for (let at = 256 * 1024 - 7; at < piece.length - secret.length; at += 256 * 1024) piece.write(secret, at);
  const masked = await maskOf().piece(maskerOf(), piece);
  expect(Buffer.from(masked).equals(maskerOf().push(piece))).toBe(true);
  expect(Buffer.from(masked).includes('*'.repeat(secret.length))).toBe(true);
  expect(Buffer.from(masked).includes(secret)).toBe(false);
});

test('a piece in which nothing is found is not copied', async () => {
  const piece = Buffer.alloc(mebibyte, 'x');
  const masked = await maskOf().piece(maskerOf(), piece);
  expect(masked.buffer).toBe(piece.buffer);
  expect([masked.byteOffset, masked.length]).toEqual([piece.byteOffset, piece.length]);
});

test('pieces in which much is found are put into the same memory by turns, and none is changed before the next is sent', async () => {
  const [mask, masker] = [maskOf(), maskerOf()];
  const text = Buffer.alloc(8 * mebibyte, `${secret}.`);
  const expected = Buffer.from(maskerOf().push(text));
  const seen: Uint8Array[] = [];
  for (let at = 0; at < text.length; at += mebibyte) {
    seen.push(await mask.piece(masker, text.subarray(at, at + mebibyte)));
    const place = seen.slice(0, -1).reduce((sum, { length }) => sum + length, 0);
    const [before, last] = seen.slice(-2);
    expect(
      Buffer.from(seen.at(-1) ?? []).equals(expected.subarray(place, place + (seen.at(-1)?.length ?? 0))),
    ).toBe(true);
    if (last && before)
      expect(Buffer.from(before).equals(expected.subarray(place - before.length, place))).toBe(true);
  }
  expect(new Set(seen.map(({ buffer }) => buffer)).size).toBe(2);
});

test('others have their turn while a piece is masked that is full of a secret', async () => {
  let turns = 0;
  let isOver = false;
  const take = () => {
    turns += 1;
    if (!isOver) setImmediate(take);
  };
  setImmediate(take);
  const masked = await maskOf().piece(maskerOf(), Buffer.alloc(8 * mebibyte, secret));
  isOver = true;
  expect(Buffer.from(masked).equals(Buffer.alloc(masked.length, '*'))).toBe(true);
  expect(turns).toBeGreaterThan(1);
});
