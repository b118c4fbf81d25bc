import { expect, test } from 'vitest';
import { RestartPauses } from '../../../cmd/keruta/roles/restart-pauses.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

const fault = new Error('broken');

function makePauses() {
  const clock = new TestClock();
  return { clock, pauses: new RestartPauses({ clock, random: systemRandom, log: silentLog }) };
}

test('F-12: twenty crashes at start: each pause is about twice the one before, from a second to a minute', () => {
  const { clock, pauses } = makePauses();
  for (let crash = 0; crash < 20; crash++) {
    const full = Math.min(60_000, 1_000 * 2 ** crash);
    const waitMs = pauses.failed('one', 10, fault);
    // up to a half is taken off, so that many do not come back at once
    expect(waitMs).toBeGreaterThanOrEqual(full / 2);
    expect(waitMs).toBeLessThanOrEqual(full);
    clock.advance(waitMs - 1);
    expect(pauses.mayStart('one')).toBe(false);
    clock.advance(1);
    expect(pauses.mayStart('one')).toBe(true);
  }
});

test('a fault of one holds up no other, and one that has run for long begins from the first pause again', () => {
  const { clock, pauses } = makePauses();
  for (let crash = 0; crash < 8; crash++) pauses.failed('one', 10, fault);
  expect(pauses.mayStart('one')).toBe(false);
  expect(pauses.mayStart('other')).toBe(true);
  clock.advance(60_000);
  expect(pauses.failed('one', 3_600_000, fault)).toBeLessThanOrEqual(1_000);
});
