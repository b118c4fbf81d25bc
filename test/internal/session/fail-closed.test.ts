import { describe, expect, test } from 'vitest';
import { tick } from '../../../internal/session/tick.ts';
import { never } from './claims-world.ts';
import { governed } from './govern-world.ts';

/** A schedule of an hour whose policy counts what cannot be read as long as `isBroken`. */
async function scheduled(policy: object, more: object = {}) {
  const cron = { type: 'cron', expression: '0 * * * *' };
  const world = await governed({ policy, triggers: [cron], ...more }, '2026-01-01T09:30:00Z');
  const state = { isBroken: true };
  const store = new Proxy(world.store, {
    get: (target, name) => {
      if (name !== 'transact') return Reflect.get(target, name);
      return (work: (tx: object) => Promise<unknown>) =>
        target.transact((tx) =>
          work(
            new Proxy(tx, {
              get: (real, verb) => {
                if (verb !== 'workflowHistory' || !state.isBroken) return Reflect.get(real, verb);
                return () => Promise.reject(new Error('a table is away'));
              },
            }),
          ),
        );
    },
  });
  const faults: unknown[] = [];
  const look = async (at: string) => {
    world.clock.jump(Date.parse(at) - world.clock.now());
    await tick({ ...world.parts, store }, never, (error) => faults.push(error));
  };
  return { ...world, look, state, faults };
}

describe('F-90, B5: a schedule whose limits cannot be read', () => {
  test('stays due, runs nothing, and is made good within its window once they can be', async () => {
    const world = await scheduled({ maxRunsPerDay: 5 });
    for (const at of ['10:00:00', '10:00:30', '11:00:00']) await world.look(`2026-01-01T${at}Z`);
    expect(await world.told()).toEqual([]);
    expect(await world.store.countTasks({})).toBe(0);
    expect(world.faults).toHaveLength(3);
    expect(world.faults[0]).toMatchObject({ code: 'KERUTA_ERR_GOVERNANCE_UNAVAILABLE' });
    world.state.isBroken = false;
    await world.look('2026-01-01T12:00:00Z');
    expect(await world.told()).toEqual(['skipped missed', 'skipped missed', 'run due']);
  });

  test('that is unreadable for longer than the window is on record as missed, and goes on', async () => {
    const world = await scheduled({ maxCostPerDay: '1', costEstimate: '0.1' }, { catchUpWindow: '2h' });
    await world.look('2026-01-01T10:00:00Z');
    world.state.isBroken = false;
    await world.look('2026-01-01T20:30:00Z');
    const told = await world.told();
    expect(told[0]).toBe('skipped missed_window');
    expect(told.filter((one) => one === 'run caught_up')).toHaveLength(1);
  });

  test('with nothing but a cooldown that may be open runs in time', async () => {
    const world = await scheduled({ cooldown: '1m', failMode: 'open' });
    await world.look('2026-01-01T10:00:00Z');
    expect(await world.told()).toEqual(['run due']);
    expect(world.faults).toEqual([]);
  });
});
