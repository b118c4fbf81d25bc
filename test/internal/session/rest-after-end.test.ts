import { expect, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { tick } from '../../../internal/session/tick.ts';
import { caller, makeWorld, never } from './claims-world.ts';

const minute = 60_000;

async function world(trigger: object, more: object = {}) {
  const made = await makeWorld();
  const { parts, store, clock } = made;
  const value = {
    name: 'w',
    run: 'true',
    session: 'demo',
    ...more,
    triggers: [{ type: 'interval', ...trigger }],
  };
  await applyWorkflow(parts, { caller, owner: 'api', value });
  const began = clock.now();
  const agent = made.agent();
  const rows = async () =>
    (await store.occurrences({}, { limit: 99, offset: 0 }))
      .map(({ nominalAt, reason }) => `${(nominalAt - began) / minute} ${reason}`)
      .reverse();
  /** Lets time pass in steps, in each of which it is looked what falls due. */
  const pass = async (minutes: number) => {
    for (let n = 0; n < minutes; n++) {
      clock.advance(minute);
      await tick(parts, never);
    }
  };
  const begin = async () => expect(await agent.claim()).not.toBeNull();
  const end = async (exitCode = 0) => {
    await agent.exited({ exitCode });
    await agent.finish({ exitCode });
  };
  return { ...made, rows, pass, begin, end };
}

test('an interval from the end of its last run falls due so long after that, however long the run took', async () => {
  const { rows, pass, begin, end } = await world({ every: '5m', from: 'end' });
  await pass(5);
  expect(await rows()).toEqual(['5 due']);
  await begin();
  await pass(3);
  await end();
  await pass(4);
  expect(await rows()).toEqual(['5 due']);
  await pass(1);
  expect(await rows()).toEqual(['5 due', '13 due']);
  // a failure is an end too, and its repetition belongs to the run
  await begin();
  await end(1);
  await pass(5);
  expect(await rows()).toEqual(['5 due', '13 due', '18 due']);
});

test('a run that takes longer than the interval leaves no run behind it waiting', async () => {
  const { rows, pass, begin, end } = await world({ every: '5m', from: 'end' });
  await pass(5);
  await begin();
  await pass(12);
  expect(await rows()).toEqual(['5 due', '10 overlap_skipped', '15 overlap_skipped']);
  await end();
  await pass(5);
  expect((await rows()).slice(3)).toEqual(['22 due']);
});

test('an interval on its grid does not care when a run ends', async () => {
  const { rows, pass, begin, end } = await world({ every: '5m' });
  await pass(5);
  await begin();
  await pass(3);
  await end();
  await pass(2);
  expect(await rows()).toEqual(['5 due', '10 due']);
});

test('the end of a run is not said together with a time of day, nor with the beginning of a grid', async () => {
  for (const more of [
    { every: '1d', at: '09:00' },
    { every: '5m', anchor: '2026-01-01T00:00:00Z' },
  ])
    await expect(world({ ...more, from: 'end' })).rejects.toMatchObject({
      details: { faults: [{ message: expect.stringContaining('from: end') }] },
    });
});
