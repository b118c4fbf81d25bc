import { expect, onTestFinished, test } from 'vitest';
import { startSweep } from '../../../internal/session/sweep.ts';
import { armFailpoint } from '../../../pkg/failpoint/failpoint.ts';
import { makeWorld } from './claims-world.ts';

/** A claimed task, a sweep over a store that can be made to take no writes, and time that passes. */
async function makeSweep() {
  const world = await makeWorld();
  const task = await world.addTask();
  await world.agent().claim();
  let isFull = false;
  const store: typeof world.store = {
    ...world.store,
    health: async () => ({ ok: !isFull, message: isFull ? 'no space is left' : '' }),
    transact: async (work) => {
      if (isFull) throw new Error('no space is left');
      return world.store.transact(work);
    },
  };
  const controller = new AbortController();
  const sweeping = startSweep({ ...world.parts, store }, controller.signal);
  sweeping.ended.catch(() => {});
  onTestFinished(() => controller.abort());
  const turn = async () => {
    for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 5_000) {
      await turn();
      world.clock.advance(5_000);
    }
    await turn();
  };
  const fill = (full: boolean) => {
    isFull = full;
  };
  return { sweeping, pass, fill, status: async () => (await world.show(task.id)).status };
}

test('while the store takes no writes no lease runs out, and afterwards agents have the boot grace to come back', async () => {
  const { sweeping, pass, fill, status } = await makeSweep();
  await pass(40_000);
  expect(sweeping.problem()).toBeNull();
  fill(true);
  await pass(40_000);
  expect(await status()).toBe('PROCESSING');
  expect(sweeping.problem()).toMatch(/nobody could look at leases for \d+ s/);
  fill(false);
  await pass(45_000);
  expect(await status()).toBe('PROCESSING');
  expect(sweeping.problem()).toBeNull();
  await pass(40_000);
  expect(await status()).toBe('LOST');
});

test('a sweep that ended by a fault of its own is a problem for good', async () => {
  onTestFinished(() => armFailpoint('in_sweep', () => {}));
  let passed = 0;
  armFailpoint('in_sweep', () => {
    passed += 1;
    if (passed === 2) throw new Error('a fault');
  });
  const { sweeping, pass } = await makeSweep();
  await pass(10_000);
  await expect(sweeping.ended).rejects.toThrow('a fault');
  expect(sweeping.problem()).toBe('leases are no longer looked at: a fault; start the server anew');
});
