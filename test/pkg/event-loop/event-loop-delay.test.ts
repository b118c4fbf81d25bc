import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { measureEventLoopDelay } from '../../../pkg/event-loop/event-loop-delay.ts';

const heldMs = 400;

function holdUp(): void {
  const until = performance.now() + heldMs;
  while (performance.now() < until);
}

function measure() {
  const delay = measureEventLoopDelay();
  onTestFinished(() => delay.stop());
  return delay;
}

// in steps around the 50 ms between two looks, of which the first sees nothing
const waits = [0, 5, 25, 45, 55, 75, 95, 105, 150];

test.each(waits)('a hold-up that begins %i ms after the measurement is seen', async (waitMs) => {
  const delay = measure();
  await sleep(waitMs);
  holdUp();
  await sleep(1);
  expect(delay.maxMs()).toBeGreaterThanOrEqual(heldMs - 101);
});

test.each(waits)(
  'a hold-up that begins %i ms into a new span is seen, and in the next one',
  async (waitMs) => {
    const delay = measure();
    await sleep(160);
    delay.roll();
    delay.roll();
    await sleep(waitMs);
    holdUp();
    await sleep(1);
    expect(delay.maxMs()).toBeGreaterThanOrEqual(heldMs - 101);
    delay.roll();
    expect(delay.maxMs()).toBeGreaterThanOrEqual(heldMs - 101);
  },
);

test('a hold-up is forgotten after the span that follows it', async () => {
  const delay = measure();
  holdUp();
  await sleep(1);
  delay.roll();
  await expect
    .poll(() => {
      // a busy machine may hold up one span after the other
      delay.roll();
      return delay.maxMs();
    })
    .toBeLessThan(100);
});

test('a hold-up is measured while nobody looked meanwhile', () => {
  const delay = measure();
  holdUp();
  expect(delay.maxMs()).toBeGreaterThanOrEqual(heldMs - 101);
});
