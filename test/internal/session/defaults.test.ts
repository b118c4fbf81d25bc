import { describe, expect, test } from 'vitest';
import { breakerDefaults, emptyPolicy } from '../../../internal/domain/policy.ts';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { fireEvent } from '../../../internal/session/fire-event.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { caller } from './claims-world.ts';
import { governed } from './govern-world.ts';

/** Fires a workflow under the defaults of a server. @returns why each did, or did not, run */
async function fired(workflow: object, defaults: Partial<SessionParts>, times = 3): Promise<string[]> {
  const world = await governed(workflow);
  const parts = { ...world.parts, ...defaults };
  for (let n = 0; n < times; n++) {
    const event = {
      triggerId: world.triggerId,
      source: 'webhook' as const,
      key: `k${n}`,
      kind: '',
      data: {},
    };
    await fireEvent(parts, event);
  }
  return world.told();
}

describe('the defaults of policies', () => {
  const policyDefaults = { ...emptyPolicy, maxRunsPerDay: 1 };

  test('hold for a workflow that has no policy, and for what its policy does not say', async () => {
    const limited = ['run event', 'skipped run_limit', 'skipped run_limit'];
    expect(await fired({}, { policyDefaults })).toEqual(limited);
    expect(await fired({ policy: { maxConcurrent: 9 } }, { policyDefaults })).toEqual(limited);
  });

  test('give way to what it says itself', async () => {
    const own = { policy: { maxRunsPerDay: 2 } };
    const told = await fired(own, { policyDefaults });
    expect(told).toEqual(['run event', 'run event', 'skipped run_limit']);
  });

  test('count for each workflow by itself', async () => {
    const world = await governed({});
    const parts = { ...world.parts, policyDefaults };
    for (const name of ['w', 'other']) {
      const wish = { caller, owner: 'api', value: { name, session: 'demo', run: 'true', overlap: 'allow' } };
      const { triggers } = await applyWorkflow(parts, wish);
      const triggerId = triggers[0]?.id ?? '';
      for (const key of ['a', 'b'])
        await fireEvent(parts, { triggerId, source: 'webhook', key, kind: '', data: {} });
    }
    const one = ['run event', 'skipped run_limit'];
    expect(await world.told()).toEqual([...one, ...one]);
  });

  test('may be a breaker', async () => {
    const world = await governed({});
    const rule = { ...breakerDefaults, consecutiveFailures: 1 };
    const parts = { ...world.parts, policyDefaults: { ...emptyPolicy, breaker: rule } };
    const event = { triggerId: world.triggerId, source: 'webhook' as const, kind: '', data: {} };
    await fireEvent(parts, { ...event, key: 'a' });
    const agent = Object.assign(world.agent(), { parts });
    await agent.claim();
    await agent.finish({ exitCode: 1 });
    await fireEvent(parts, { ...event, key: 'b' });
    expect(await world.told()).toEqual(['run event', 'skipped breaker_open']);
  });
});

test('the defaults of retries hold for a workflow that is applied then, as far as it does not say', async () => {
  const world = await governed({});
  const retryDefaults = { maxAttempts: 3, backoff: 'fixed', delayMs: 5_000, maxDelayMs: 60_000 } as const;
  const apply = async (name: string, retry?: object) => {
    const value = { name, run: 'true', ...(retry === undefined ? {} : { retry }) };
    const wish = { caller, owner: 'api', value };
    return (await applyWorkflow({ ...world.parts, retryDefaults }, wish)).workflow.definition.retry;
  };
  expect(await apply('silent')).toMatchObject({ ...retryDefaults, lostRetries: 1 });
  expect(await apply('own', { maxAttempts: 1, delay: '7s' })).toMatchObject({
    ...{ maxAttempts: 1, backoff: 'fixed', delayMs: 7_000, lostRetries: 0 },
  });
  // what was applied before is as it was
  expect(world.workflow.definition.retry.maxAttempts).toBe(1);
});
