import { describe, expect, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { holdMany, releaseMany } from '../../../internal/session/holds.ts';
import { tick } from '../../../internal/session/tick.ts';
import { statusOfTrigger } from '../../../internal/session/trigger-status.ts';
import {
  findTrigger,
  fireNow,
  pauseTrigger,
  resumeTrigger,
} from '../../../internal/session/trigger-verbs.ts';
import { caller, makeWorld, never } from './claims-world.ts';

const ada = { ...caller, actor: 'ada' };
const minutely = { type: 'cron', expression: '* * * * *' };

async function world() {
  const made = await makeWorld();
  const { parts, store } = made;
  const apply = (name: string, more: object = {}) =>
    applyWorkflow(parts, {
      ...{ caller, owner: 'api' },
      value: { name, run: 'true', overlap: 'allow', triggers: [minutely], ...more },
    });
  await apply('a');
  await apply('b', { session: 'other' });
  const minute = async () => {
    made.clock.advance(60_000);
    await tick(parts, never);
  };
  const status = async (workflow: string, trigger = 'cron') =>
    statusOfTrigger(parts, { ...(await findTrigger(store, { workflow, trigger })), now: await store.now() });
  const states = async (...names: string[]) =>
    Promise.all(names.map(async (name) => (await status(name)).state));
  const hold = (scope: 'all' | 'session' | 'workflow', name?: string, reason = 'because') =>
    holdMany(parts, { caller: ada, scope, name, reason });
  const release = (scope: 'all' | 'session' | 'workflow', name?: string, catchUp = false) =>
    releaseMany(parts, { caller: ada, scope, name, catchUp });
  const runs = async () => (await store.occurrences({ decision: 'run' }, { limit: 100, offset: 0 })).length;
  return { ...made, apply, minute, status, states, hold, release, runs };
}

const names = (held: Awaited<ReturnType<typeof holdMany>>) =>
  held.triggers.map(({ trigger, workflow }) => `${workflow.name}/${trigger.name}`).sort();

describe('a hold', () => {
  test('of everything keeps every trigger from firing, with who and why, until it is let go', async () => {
    const { hold, release, minute, runs, status, store, states } = await world();
    await minute();
    expect(await runs()).toBe(2);
    const held = await hold('all');
    expect(names(held)).toEqual(['a/cron', 'a/manual', 'b/cron', 'b/manual']);
    await minute();
    expect(await runs()).toBe(2);
    const { hold: shown, why, next } = await status('a');
    expect({ shown, next }).toEqual({ shown: { ...held.hold }, next: [] });
    expect(shown).toMatchObject({ scope: 'all', actor: 'ada', reason: 'because' });
    expect(why).toMatch(/everything is held since .* by ada: because/);
    expect(names(await release('all'))).toEqual(['a/cron', 'a/manual', 'b/cron', 'b/manual']);
    expect(await states('a', 'b')).toEqual(['awake', 'awake']);
    expect(await runs()).toBe(2);
    await minute();
    expect(await runs()).toBe(4);
    expect(await store.holds()).toEqual([]);
    const acts = (await store.ledger({}, { limit: 100 })).filter(({ kind }) => kind.startsWith('all.'));
    expect(acts.map(({ kind, actor, details }) => [kind, actor, details.reason])).toEqual([
      ['all.resumed', 'ada', undefined],
      ['all.paused', 'ada', 'because'],
    ]);
  });

  test('of a session or a workflow holds what is of it only', async () => {
    const { hold, release, states } = await world();
    expect(names(await hold('session', 'other'))).toEqual(['b/cron', 'b/manual']);
    expect(await states('a', 'b')).toEqual(['awake', 'held']);
    expect(names(await hold('workflow', 'a'))).toEqual(['a/cron', 'a/manual']);
    expect(await states('a', 'b')).toEqual(['held', 'held']);
    expect(names(await release('session', 'other'))).toEqual(['b/cron', 'b/manual']);
    expect(await states('a', 'b')).toEqual(['held', 'awake']);
  });

  test('holds what is applied later too', async () => {
    const { hold, release, apply, states, minute, runs } = await world();
    await hold('all');
    await apply('c');
    await apply('a', { triggers: [minutely, { ...minutely, name: 'more' }] });
    await minute();
    expect([await states('a', 'b', 'c'), await runs()]).toEqual([['held', 'held', 'held'], 0]);
    expect(names(await release('all'))).toContain('c/cron');
    await minute();
    expect(await runs()).toBe(4);
  });

  test('that ends leaves held what another one covers, or what was held by itself', async () => {
    const { hold, release, states, parts } = await world();
    await pauseTrigger(parts, { caller, workflow: 'a', trigger: 'cron' });
    await hold('session', 'other', 'wide');
    await hold('all', undefined, 'wider');
    expect(names(await release('all'))).toEqual(['a/manual']);
    expect(await states('a', 'b')).toEqual(['held', 'held']);
    const own = { caller, workflow: 'b', trigger: 'cron' };
    await expect(resumeTrigger(parts, own)).rejects.toMatchObject({
      code: 'KERUTA_ERR_TRIGGER_HELD',
      message: expect.stringContaining('keruta resume --session other'),
    });
    await resumeTrigger(parts, { ...own, workflow: 'a' });
    await release('session', 'other');
    expect(await states('a', 'b')).toEqual(['awake', 'awake']);
  });

  test('that is asked for twice is one, with the first reason; one that is not there is let go without harm', async () => {
    const { hold, release, store } = await world();
    await hold('all', undefined, 'first');
    expect(await hold('all', undefined, 'second')).toMatchObject({ hold: { reason: 'first' }, triggers: [] });
    expect(await store.holds()).toHaveLength(1);
    await release('all');
    expect(await release('all')).toMatchObject({ hold: null, triggers: [] });
    await expect(hold('workflow', 'nobody')).rejects.toMatchObject({ code: 'KERUTA_ERR_WORKFLOW_NOT_FOUND' });
    await expect(hold('all', 'a')).rejects.toMatchObject({ code: 'KERUTA_ERR_BAD_VALUE' });
    await expect(hold('session')).rejects.toMatchObject({ code: 'KERUTA_ERR_BAD_VALUE' });
  });

  test('that ends with catchUp makes good what was let pass, as policies say', async () => {
    const { hold, release, minute, store, clock } = await world();
    await hold('workflow', 'a');
    for (let n = 0; n < 5; n++) await minute();
    clock.advance(30_000);
    await release('workflow', 'a', true);
    const { workflow } = await findTrigger(store, { workflow: 'a' });
    const all = await store.occurrences({ workflowId: workflow.id }, { limit: 9, offset: 0 });
    expect(all.filter(({ decision }) => decision === 'run')).toHaveLength(1);
    expect(all.map(({ reason }) => reason)).not.toContain('paused');
  });

  test('does not keep a person from firing by force', async () => {
    const { hold, parts } = await world();
    await hold('all');
    const wish = { caller, workflow: 'a' };
    expect((await fireNow(parts, wish)).occurrence).toMatchObject({ decision: 'skipped', reason: 'paused' });
    expect((await fireNow(parts, { ...wish, isForced: true })).occurrence.decision).toBe('run');
  });

  test('goes with what it is of', async () => {
    const { hold, parts, store } = await world();
    await hold('workflow', 'a');
    await pauseTrigger(parts, { caller, workflow: 'a', trigger: 'cron', reason: 'own' });
    const { deleteWorkflow } = await import('../../../internal/session/apply-workflow.ts');
    await deleteWorkflow(parts, { caller, name: 'a' });
    expect(await store.holds()).toEqual([]);
  });
});
