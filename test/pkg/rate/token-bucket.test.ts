import { describe, expect, test } from 'vitest';
import { TokenBuckets } from '../../../pkg/rate/token-bucket.ts';

describe('a bucket', () => {
  test('gives its burst at once, then says how long until the next one', () => {
    const buckets = new TokenBuckets({ perSecond: 50, burst: 100 });
    const taken = Array.from({ length: 100 }, () => buckets.take('a', 1_000));
    expect(taken.filter((wait) => wait > 0)).toEqual([]);
    expect(buckets.take('a', 1_000)).toBe(20);
    expect(buckets.take('a', 1_019)).toBe(1);
    expect(buckets.take('a', 1_020)).toBe(0);
  });

  test('is not emptied by what it refuses', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 });
    expect(buckets.take('a', 0)).toBe(0);
    for (let now = 0; now < 1_000; now += 10) expect(buckets.take('a', now)).toBeGreaterThan(0);
    expect(buckets.take('a', 1_000)).toBe(0);
  });

  test('holds no more than its burst after a long pause, and a clock that goes back fills nothing', () => {
    const buckets = new TokenBuckets({ perSecond: 10, burst: 2 });
    expect([0, 1, 2].map(() => buckets.take('a', 1e9) > 0)).toEqual([false, false, true]);
    expect(buckets.take('a', 5)).toBeGreaterThan(0);
  });

  test('is one for each key, and a crowd of keys does not grow for ever', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 });
    for (let key = 0; key < 30_000; key++) expect(buckets.take(String(key), key)).toBe(0);
    expect(buckets.take('29999', 29_999)).toBeGreaterThan(0);
  });
});
