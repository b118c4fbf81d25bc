import { expect, test } from 'vitest';
import { keepHeapSmall } from '../../../pkg/process/small-heap.ts';

// what it comes to is measured by F-107 in test/faults/artifacts.test.ts
test('V8 is told when the first asks, and told back when the last gives back, each once', () => {
  const told: string[] = [];
  const tell = (flag: string) => void told.push(flag);
  const [one, other] = [keepHeapSmall(tell), keepHeapSmall(tell)];
  expect(told).toEqual(['--optimize-for-size']);
  one();
  one();
  expect(told).toEqual(['--optimize-for-size']);
  other();
  expect(told).toEqual(['--optimize-for-size', '--no-optimize-for-size']);
  const again = keepHeapSmall(tell);
  again();
  again();
  expect(told).toHaveLength(4);
});
