import { getHeapStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import { keepHeapSmall } from '../../../pkg/process/small-heap.ts';

// what it comes to is measured by F-107 in test/faults/artifacts.test.ts
test('V8 is told when the first asks, and told back when the last gives back, each once', () => {
  const told: string[] = [];
  const control = {
    setFlag: (flag: string) => void told.push(flag),
    collect: () => void told.push('collect'),
  };
  const [one, other] = [keepHeapSmall(control), keepHeapSmall(control)];
  expect(told).toEqual(['--optimize-for-size', 'collect']);
  one();
  one();
  expect(told).toEqual(['--optimize-for-size', 'collect']);
  other();
  expect(told).toEqual(['--optimize-for-size', 'collect', '--no-optimize-for-size']);
  const again = keepHeapSmall(control);
  again();
  again();
  expect(told).toHaveLength(6);
});

test('what is not in use goes at once', () => {
  let waste: object[] | null = Array.from({ length: 500_000 }, (_, n) => ({ n }));
  const before = getHeapStatistics().used_heap_size;
  expect(waste).toHaveLength(500_000);
  waste = null;
  keepHeapSmall()();
  expect(before - getHeapStatistics().used_heap_size).toBeGreaterThan(8_000_000);
  expect((globalThis as { gc?: unknown }).gc).toBeUndefined();
});
