import { describe, expect, test } from 'vitest';
import { addCost } from '../../../internal/session/add-cost.ts';
import { compareWorkflow, migrateWorkflow } from '../../../internal/session/migrate-workflow.ts';
import { setStatus } from '../../../internal/session/set-status.ts';
import { caller, coded } from './claims-world.ts';
import { governed as makeGoverned } from './govern-world.ts';

const both = { run: 'agent', fallback: { script: 'classic', name: 'classic', parameters: { old: true } } };
type World = Awaited<ReturnType<typeof makeGoverned>>;

/** A world in which nothing is made in the same ms as what made it: then lists are in the order of time. */
async function governed(workflow: object): Promise<World> {
  const world = await makeGoverned(workflow);
  const end = (isGood: boolean) => {
    world.clock.advance(1);
    return world.end(isGood);
  };
  return { ...world, end };
}

/** `run fallback fallback`: decision, reason and mode of each row, oldest first. */
const modes = async (world: World) =>
  (await world.rows()).map(({ decision, reason, details }) => `${decision} ${reason} ${details.mode ?? '-'}`);
const scripts = async ({ store }: World) =>
  (await store.tasks({}, 'newest')).toReversed().map(({ script }) => script);

describe('a fallback', () => {
  test('runs once after the last attempt of the agent failed, and knows what happened', async () => {
    const world = await governed({ ...both, retry: { maxAttempts: 2, backoff: 'fixed', delay: 0 } });
    await world.event();
    await world.end(false);
    expect(await scripts(world)).toEqual(['agent']);
    const failed = await world.end(false);
    expect(await scripts(world)).toEqual(['agent', 'classic']);
    const [task] = await world.store.tasks({ statuses: ['PENDING'] }, 'queue');
    expect(task).toMatchObject({ name: 'classic', retryCount: 0, parameters: { old: true, taskId: failed } });
    expect(await modes(world)).toEqual(['run event agent', 'run fallback fallback']);
  });

  test('is given the parameters and the time of what fired the agent, over its own', async () => {
    const agent = { script: 'agent', parameters: { region: 'eu', deep: true } };
    const classic = { script: 'classic', parameters: { region: 'classic', day: 'none' } };
    const world = await governed({ run: agent, fallback: classic });
    const { occurrence } = await world.fire({ parameters: { day: 'monday' }, at: 1_700_000_000_000 });
    await world.end(false);
    const [task] = await world.store.tasks({ statuses: ['PENDING'] }, 'queue');
    expect(task?.parameters).toMatchObject({ region: 'classic', day: 'monday' });
    expect(task?.parameters).not.toHaveProperty('deep');
    const [, row] = await world.rows();
    expect([row?.details.mode, row?.nominalAt]).toEqual(['fallback', occurrence.nominalAt]);
    expect(row?.effectiveAt).toBeGreaterThan(occurrence.nominalAt);
  });

  test('that fails begets no other', async () => {
    const world = await governed(both);
    await world.event();
    await world.end(false);
    await world.end(false);
    expect(await scripts(world)).toEqual(['agent', 'classic']);
  });

  test.each([
    ['on_failure', true, ['agent']],
    ['on_failure', false, ['agent', 'classic']],
    ['always', true, ['agent', 'classic']],
    ['always', false, ['agent', 'classic']],
    ['never', true, ['agent']],
    ['never', false, ['agent']],
  ])('with %s after success %s gives the runs %j', async (fallbackStrategy, isGood, ran) => {
    const world = await governed({ ...both, fallbackStrategy });
    await world.event();
    await world.end(isGood);
    expect(await scripts(world)).toEqual(ran);
  });

  test('is not run after a cancel', async () => {
    const world = await governed({ ...both, fallbackStrategy: 'always' });
    const { task } = await world.event();
    await setStatus(world.parts, { caller, taskId: task!.id }, { status: 'CANCELLED' });
    expect(await scripts(world)).toEqual(['agent']);
  });

  test('is followed by what follows the workflow, once, and not by what follows its agent', async () => {
    const world = await governed({ ...both, onError: 'sorry', onComplete: 'well' });
    await world.event();
    await world.end(false);
    expect(await scripts(world)).toEqual(['agent', 'classic']);
    await world.end(true);
    expect(await scripts(world)).toEqual(['agent', 'classic', 'well']);
  });

  test('counts as a run for the limits of runs, and not for the breaker of the agent', async () => {
    const world = await governed({
      ...both,
      policy: { maxRunsPerDay: 3, breaker: { consecutiveFailures: 9 } },
    });
    await world.event();
    await world.end(false);
    await world.end(false);
    await world.event();
    await world.end(false);
    const rows = await modes(world);
    expect(rows.slice(2)).toEqual(['run event agent', 'skipped run_limit fallback']);
    const history = await world.store.workflowHistory(world.workflow.id);
    expect(history?.breaker?.results).toBe('FF');
  });
});

describe('the weight of a workflow', () => {
  test('0 runs the classic script in place of the agent, which is no fallback of it', async () => {
    const world = await governed({ ...both, migrationWeight: 0 });
    await world.event();
    await world.end(false);
    expect([await scripts(world), await modes(world)]).toEqual([['classic'], ['run event classic']]);
  });

  test('in between takes the same path for the same event, whoever asks', async () => {
    const first = await governed({ ...both, migrationWeight: 0.5 });
    for (let n = 0; n < 20; n++) await first.event(`k${n}`);
    for (let n = 0; n < 20; n++) await first.event(`k${n}`);
    const chosen = await scripts(first);
    expect([chosen.length, new Set(chosen).size]).toEqual([20, 2]);
  });

  test('is set as a new version, on record; rollback is 0 at once; the same again changes nothing', async () => {
    const world = await governed(both);
    const set = (weight: number) => migrateWorkflow(world.parts, { caller, workflow: 'w', weight });
    expect(await set(0.3)).toMatchObject({ before: 1, workflow: { version: 2 } });
    expect(await set(0)).toMatchObject({ before: 0.3, workflow: { version: 3 } });
    expect(await set(0)).toMatchObject({ workflow: { version: 3 } });
    await world.event();
    expect(await scripts(world)).toEqual(['classic']);
    expect((await world.store.workflowVersions(world.workflow.id)).map(({ version }) => version)).toEqual([
      3, 2, 1,
    ]);
    const acts = await world.store.ledger({}, { limit: 100 });
    expect(acts.filter(({ kind }) => kind === 'workflow.migrated')).toHaveLength(2);
  });

  test('cannot be set where there is no fallback, nor beyond 0 and 1', async () => {
    const world = await governed({});
    const set = (weight: number) => migrateWorkflow(world.parts, { caller, workflow: 'w', weight });
    await expect(set(0.5)).rejects.toMatchObject(coded('NO_FALLBACK'));
    await expect(set(1.5)).rejects.toMatchObject(coded('BAD_VALUE'));
    await expect(set(Number.NaN)).rejects.toMatchObject(coded('BAD_VALUE'));
  });
});

describe('a comparison', () => {
  test('sets success, duration and cost of both side by side', async () => {
    const world = await governed(both);
    for (const isGood of [true, true, false]) {
      const { task } = await world.event();
      const cost = { micro: 300_000, tokensIn: null, tokensOut: null, model: '' };
      await addCost(world.parts, { caller, taskId: task!.id }, cost);
      await world.end(isGood);
    }
    await world.end(true);
    await migrateWorkflow(world.parts, { caller, workflow: 'w', weight: 0 });
    await world.event();
    await world.end(true);
    const { sides, weight } = await compareWorkflow(world.parts, { workflow: 'w' });
    const shown = sides.map(({ mode, runs, successRate, meanDurationMs, meanCostMicro }) => [
      ...[mode, runs, successRate, meanDurationMs, meanCostMicro],
    ]);
    expect(weight).toBe(0);
    expect(shown).toEqual([
      ['agent', 3, 2 / 3, 1000, 300_000],
      ['classic', 1, 1, 1000, 0],
      ['fallback', 1, 1, 1000, 0],
    ]);
  });

  test('of a workflow without a fallback is refused', async () => {
    const world = await governed({});
    await expect(compareWorkflow(world.parts, { workflow: 'w' })).rejects.toMatchObject(coded('NO_FALLBACK'));
  });
});
