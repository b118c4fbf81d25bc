import { expect, test } from 'vitest';
import { cpuOf, ownUsage, peakOf } from '../../../pkg/process/own-usage.ts';

test('the time of a process and its children is read behind whatever name it has', () => {
  const stat = '7 (a) b (c) R 1 7 7 0 -1 4194560 100 200 0 0 150 50 300 100 20 0 1 0 5 6 7';
  expect(cpuOf(stat)).toBe(6);
  expect(cpuOf('')).toBe(null);
});

test('the peak of a process is told in bytes', () => {
  expect(peakOf('Name:\tnode\nVmHWM:\t   2048 kB\nVmRSS:\t 1024 kB\n')).toBe(2 * 1024 * 1024);
  expect(peakOf('Name:\tnode\n')).toBe(null);
});

test.skipIf(process.platform !== 'linux')('this process has used something', () => {
  const { peakBytes, cpuSeconds } = ownUsage();
  expect(peakBytes).toBeGreaterThan(10_000_000);
  expect(cpuSeconds).toBeGreaterThan(0);
});
