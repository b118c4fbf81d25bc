import { expect, test } from 'vitest';
import { sampleBudget } from '../../../internal/executor/shim/sample-budget.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';

test('measuring takes a twentieth of the time, with a quarter of a second to begin with', () => {
  const clock = new TestClock();
  const budget = sampleBudget(clock);
  let samples = 0;
  for (let ms = 0; ms < 60_000; ms += 5) {
    // each run of a hundred would like to be measured twice a second, at two milliseconds
    if (budget.isLeft()) {
      budget.spend(2);
      samples += 1;
    }
    clock.advance(5);
  }
  expect(samples).toBeGreaterThanOrEqual((250 + 0.05 * 60_000) / 2 - 2);
  expect(samples).toBeLessThanOrEqual((250 + 0.05 * 60_000) / 2 + 2);
});

test('one sample that took long is paid for before there is another', () => {
  const clock = new TestClock();
  const budget = sampleBudget(clock);
  budget.spend(300);
  expect(budget.isLeft()).toBe(false);
  clock.advance(1_000);
  expect(budget.isLeft()).toBe(false);
  clock.advance(1);
  expect(budget.isLeft()).toBe(true);
});

test('is one for all who have the same clock', () => {
  const clock = new TestClock();
  sampleBudget(clock).spend(250);
  expect(sampleBudget(clock).isLeft()).toBe(false);
  expect(sampleBudget(new TestClock()).isLeft()).toBe(true);
});
