import { describe, expect, test } from 'vitest';
import { addCost } from '../../../internal/session/add-cost.ts';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { fireEvent } from '../../../internal/session/fire-event.ts';
import { setPolicy } from '../../../internal/session/set-policy.ts';
import { caller } from './claims-world.ts';
import { checksOf, governed } from './govern-world.ts';

/** Two workflows, `w` in the session `demo` and another one elsewhere or there too. */
async function two(other: { readonly session: string }) {
  const world = await governed({});
  const value = { name: 'other', run: 'true', overlap: 'allow', ...other };
  const { triggers } = await applyWorkflow(world.parts, { caller, owner: 'api', value });
  const triggerId = triggers[0]?.id ?? '';
  let events = 0;
  const otherEvent = () =>
    fireEvent(world.parts, { triggerId, source: 'webhook', key: `o${events++}`, kind: '', data: {} });
  const { id: sessionId } = (await world.store.sessionByName('demo')) as { id: string };
  return { ...world, otherEvent, sessionId };
}

/** The place whose policy refused the newest event. */
async function refusedBy(world: Awaited<ReturnType<typeof two>>) {
  const newest = (await world.rows()).at(-1);
  return newest && checksOf(newest).find(({ passed }) => !passed)?.scope;
}

describe('B4: a limit of cost over everything', () => {
  test('is one purse of all workflows', async () => {
    const world = await two({ session: 'elsewhere' });
    await setPolicy(world.parts, { caller, value: { maxCostPerDay: '1.00', costEstimate: '0.30' } });
    await world.event();
    await world.otherEvent();
    await world.event();
    await world.otherEvent();
    expect(await world.told()).toEqual([...Array(3).fill('run event'), 'skipped cost_limit']);
    expect(await refusedBy(world)).toBe('global');
  });
});

describe('B4: a limit of cost of a session', () => {
  test('is one purse of its workflows, and no other', async () => {
    const world = await two({ session: 'demo' });
    const value = { maxCostPerDay: '0.50', costEstimate: '0.30' };
    await setPolicy(world.parts, { caller, sessionId: world.sessionId, value });
    await world.event();
    await world.otherEvent();
    expect(await world.told()).toEqual(['run event', 'skipped cost_limit']);
    expect(await refusedBy(world)).toBe('session');
  });
});

describe('B9: tasks at a time', () => {
  test('are counted over everything where the policy over everything says so', async () => {
    const world = await two({ session: 'elsewhere' });
    await setPolicy(world.parts, { caller, value: { maxConcurrent: 2 } });
    await world.event();
    await world.otherEvent();
    await world.event();
    expect(await world.told()).toEqual(['run event', 'run event', 'skipped concurrency']);
    expect(await refusedBy(world)).toBe('global');
  });

  test('are those of the session where that of the session says so', async () => {
    const world = await two({ session: 'elsewhere' });
    const value = { maxConcurrent: 1 };
    await setPolicy(world.parts, { caller, sessionId: world.sessionId, value });
    for (let n = 0; n < 2; n++) await world.otherEvent();
    for (let n = 0; n < 2; n++) await world.event();
    expect(await world.told()).toEqual([...Array(3).fill('run event'), 'skipped concurrency']);
    expect(await refusedBy(world)).toBe('session');
  });
});

describe('B4: what is reserved before a run', () => {
  test('is what nine of the newest twenty did not exceed: what came before is forgotten', async () => {
    const world = await governed({ policy: { maxCostPerDay: '1000', costEstimate: '0.01' } });
    const run = async (micro: number) => {
      const { task } = await world.event();
      const held = await world.store.reservation(task?.id ?? '');
      const cost = { micro, tokensIn: null, tokensOut: null, model: '' };
      await addCost(world.parts, { caller, taskId: task?.id ?? '' }, cost);
      world.clock.advance(1);
      await world.end(true);
      return held?.heldMicro;
    };
    expect(await run(900_000)).toBe(10_000);
    expect(await run(900_000)).toBe(900_000);
    for (let n = 0; n < 18; n++) await run(50_000);
    // two of twenty were dear: one more than one of ten
    expect(await run(50_000)).toBe(50_000);
    for (let n = 0; n < 3; n++) await run(200_000);
    expect(await run(50_000)).toBe(200_000);
  });
});
