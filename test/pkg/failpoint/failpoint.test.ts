import { expect, test } from 'vitest';
import { armFailpoint, failpoint, parseFailpoints } from '../../../pkg/failpoint/failpoint.ts';

test('a place at which nothing is armed does nothing', () => {
  expect(failpoint('nowhere')).toBeUndefined();
});

test('an armed place does what it was armed with, each time the program comes through', () => {
  let times = 0;
  armFailpoint('somewhere', () => {
    times += 1;
  });
  failpoint('somewhere');
  failpoint('somewhere');
  expect(times).toBe(2);
});

test('a specification names places, what they do, and at which time', () => {
  expect(parseFailpoints('after_claim:kill, mid_segment:stop@3')).toEqual([
    { name: 'after_claim', action: 'kill', time: 1 },
    { name: 'mid_segment', action: 'stop', time: 3 },
  ]);
});

test.each(['', 'after_claim', 'after_claim:die', 'a:kill@0', 'A:kill'])(
  '"%s" is no specification',
  (text) => {
    expect(() => parseFailpoints(text)).toThrow('is no failpoint');
  },
);
