import { expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';

test('what is due runs in the order of its time, and nothing else does', async () => {
  const clock = new TestClock(0);
  const order: string[] = [];
  clock.after(20, () => order.push(`b${clock.now()}`));
  clock.after(10, () => order.push(`a${clock.now()}`));
  const cancel = clock.after(15, () => order.push('cancelled'));
  const slept = clock.sleep(20).then(() => order.push('slept'));
  cancel();
  clock.advance(19);
  expect(order).toEqual(['a10']);
  clock.advance(1);
  await slept;
  expect(order).toEqual(['a10', 'b20', 'slept']);
});

test('a jump moves the wall clock alone', () => {
  const clock = new TestClock(1000);
  clock.jump(-500);
  expect([clock.now(), clock.monotonicMs()]).toEqual([500, 0]);
});

test.each([
  ['the test clock', new TestClock()],
  ['the system clock', systemClock],
])('a sleep on %s ends with the reason of its signal', async (_name, clock) => {
  const stop = new AbortController();
  const slept = clock.sleep(60_000, stop.signal);
  stop.abort(new Error('stopped'));
  await expect(slept).rejects.toThrow('stopped');
  await expect(clock.sleep(1, stop.signal)).rejects.toThrow('stopped');
});

test('the system clock sleeps, calls and moves on', async () => {
  const before = systemClock.monotonicMs();
  let called = false;
  systemClock.after(0, () => {
    called = true;
  });
  systemClock.after(0, () => expect.unreachable())();
  await systemClock.sleep(2);
  expect(called).toBe(true);
  expect(systemClock.monotonicMs()).toBeGreaterThan(before);
  expect(systemClock.now()).toBeGreaterThan(Date.UTC(2026, 0, 1));
});
