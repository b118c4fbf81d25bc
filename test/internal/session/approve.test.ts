import { describe, expect, test } from 'vitest';
import { addCost } from '../../../internal/session/add-cost.ts';
import { approve, deny, listApprovals } from '../../../internal/session/approve.ts';
import type { Caller } from '../../../internal/session/parts.ts';
import { setPolicy, showPolicy } from '../../../internal/session/set-policy.ts';
import { caller, coded, sessionId } from './claims-world.ts';
import { governed } from './govern-world.ts';

const policy = { requireApproval: { role: 'release', expires: '2h' } };
const releaser: Caller = { ...caller, actor: 'ann', scope: 'session', sessionId, role: 'release' };

async function asked(more: object = {}) {
  const world = await governed({ policy: { ...policy, ...more } });
  const { occurrence } = await world.fire({ parameters: { month: '2026-01' } });
  const [approval] = await listApprovals(world.parts, { caller, isAll: false });
  return { ...world, occurrence, approval: approval!, id: approval!.id };
}

describe('a run that needs a yes', () => {
  test('waits on record, and runs what was asked for once the role says yes', async () => {
    const world = await asked();
    expect(world.occurrence).toMatchObject({
      ...{ decision: 'skipped', reason: 'approval_asked' },
      details: { approvalId: world.id, role: 'release', checks: [{ name: 'approval', passed: false }] },
    });
    const { fired, approval } = await approve(world.parts, { caller: releaser, id: world.id });
    expect(approval).toMatchObject({ state: 'approved', decidedBy: 'ann' });
    expect(fired.task?.parameters).toEqual({ month: '2026-01' });
    const [row, none] = await world.rows();
    expect([row?.id, none]).toEqual([world.occurrence.id, undefined]);
    expect(row).toMatchObject({ decision: 'run', reason: 'asked', details: { approvedBy: 'ann' } });
  });

  test('runs once, however often somebody says yes', async () => {
    const world = await asked();
    const twice = await Promise.allSettled([
      approve(world.parts, { caller: releaser, id: world.id }),
      approve(world.parts, { caller: releaser, id: world.id }),
    ]);
    expect(twice.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(approve(world.parts, { caller: releaser, id: world.id })).rejects.toMatchObject(
      coded('APPROVAL_DECIDED'),
    );
    expect(await world.store.countTasks({})).toBe(1);
  });

  test.each<[string, Partial<Caller>]>([
    ['without a role', { role: null }],
    ['of another role', { role: 'ops' }],
    ['that is an administrator without it', { scope: 'admin', role: null }],
  ])('takes none of a token %s', async (_title, who) => {
    const world = await asked();
    const other = { ...releaser, ...who };
    await expect(approve(world.parts, { caller: other, id: world.id })).rejects.toMatchObject(
      coded('FORBIDDEN'),
    );
    await expect(deny(world.parts, { caller: other, id: world.id })).rejects.toMatchObject(
      coded('FORBIDDEN'),
    );
  });

  test('is not there for a token of another session', async () => {
    const world = await asked();
    const stranger = { ...releaser, sessionId: 'another' };
    await expect(approve(world.parts, { caller: stranger, id: world.id })).rejects.toMatchObject(
      coded('APPROVAL_NOT_FOUND'),
    );
    expect(await listApprovals(world.parts, { caller: stranger, isAll: true })).toEqual([]);
  });

  test('asks in vain when nobody answers in time', async () => {
    const world = await asked();
    world.clock.advance(2 * 3_600_000);
    await expect(approve(world.parts, { caller: releaser, id: world.id })).rejects.toMatchObject(
      coded('APPROVAL_EXPIRED'),
    );
    expect(await listApprovals(world.parts, { caller, isAll: false })).toEqual([]);
  });

  test('asks in vain when the workflow is another one meanwhile', async () => {
    const world = await asked();
    await world.apply({ policy, run: 'something else' });
    await expect(approve(world.parts, { caller: releaser, id: world.id })).rejects.toMatchObject(
      coded('APPROVAL_CHANGED'),
    );
  });

  test('stays on record as not run after a no', async () => {
    const world = await asked();
    expect(await deny(world.parts, { caller: releaser, id: world.id })).toMatchObject({ state: 'denied' });
    await expect(approve(world.parts, { caller: releaser, id: world.id })).rejects.toMatchObject(
      coded('APPROVAL_DECIDED'),
    );
    expect(await world.told()).toEqual(['skipped approval_asked']);
    const acts = await world.store.ledger({}, { limit: 100 });
    expect(acts.map(({ kind }) => kind)).toContain('approval.denied');
  });

  test('is not run past another limit; the question stays open until that is gone', async () => {
    const world = await asked({ maxConcurrent: 1 });
    const { approval } = await approveNewest(world);
    expect(approval.state).toBe('approved');
    await expect(approve(world.parts, { caller: releaser, id: world.id })).rejects.toMatchObject({
      ...coded('POLICY'),
      details: expect.objectContaining({ reason: 'concurrency' }),
    });
    await world.end(true);
    expect((await approve(world.parts, { caller: releaser, id: world.id })).fired.task).not.toBeNull();
  });

  test('asks one role after another where two have to agree', async () => {
    const world = await governed({ policy });
    await setPolicy(world.parts, { caller, value: { requireApproval: { role: 'finance' } } });
    await world.event();
    const [first] = await listApprovals(world.parts, { caller, isAll: false });
    const { fired, next } = await approve(world.parts, { caller: releaser, id: first!.id });
    expect([fired.task, next?.role]).toEqual([null, 'finance']);
    const second = await approve(world.parts, { caller: { ...releaser, role: 'finance' }, id: next!.id });
    expect(second.fired.task).not.toBeNull();
  });
});

/** Asks once more and says yes to that. */
async function approveNewest(world: Awaited<ReturnType<typeof asked>>) {
  await world.fire();
  const [newest] = await listApprovals(world.parts, { caller, isAll: false });
  return approve(world.parts, { caller: releaser, id: newest!.id });
}

describe('a policy of a session or over everything', () => {
  test('is shown as it was written, replaced as a whole, removed when it is empty, each on record', async () => {
    const world = await governed({});
    await setPolicy(world.parts, { caller, value: { maxRunsPerDay: 5, cooldown: '1m' } });
    expect((await showPolicy(world.parts, { caller })).policy).toEqual({ cooldown: '1m', maxRunsPerDay: 5 });
    await setPolicy(world.parts, { caller, sessionId, value: { maxCostPerDay: '1.50' } });
    expect((await showPolicy(world.parts, { caller, sessionId })).policy).toEqual({ maxCostPerDay: '1.50' });
    await setPolicy(world.parts, { caller, value: {} });
    expect((await showPolicy(world.parts, { caller })).policy).toBeNull();
    const acts = await world.store.ledger({}, { limit: 100 });
    const set = acts.filter(({ kind }) => kind === 'policy.set');
    expect(set).toHaveLength(3);
    expect(set[0]).toMatchObject({ details: { before: { maxRunsPerDay: 5 }, after: null } });
  });

  test('that is set again is on record once, and the repetition is answered the same', async () => {
    const world = await governed({});
    const set = () => setPolicy(world.parts, { caller, value: { maxRunsPerDay: 5 } });
    const first = await set();
    world.clock.advance(1);
    expect(await set()).toEqual(first);
    const acts = await world.store.ledger({}, { limit: 100 });
    expect(acts.filter(({ kind }) => kind === 'policy.set')).toHaveLength(1);
  });

  test('with faults is refused and changes nothing', async () => {
    const world = await governed({});
    const value = { maxRunsPerDay: 0, currency: 'EUR' };
    await expect(setPolicy(world.parts, { caller, value })).rejects.toMatchObject(coded('POLICY_SHAPE'));
    expect((await showPolicy(world.parts, { caller })).policy).toBeNull();
  });
});

describe('a cost that is told from outside', () => {
  const cost = { micro: 120_000, tokensIn: 5, tokensOut: 6, model: 'm' };

  test('counts once under one key', async () => {
    const world = await governed({});
    const { task } = await world.event();
    const add = (key?: string) => addCost(world.parts, { caller, taskId: task!.id }, { ...cost, key });
    await add('a');
    expect(await add('a')).toEqual({ micro: 120_000, tokensIn: 5, tokensOut: 6, entries: 1 });
    expect((await add()).micro).toBe(240_000);
  });

  test('is refused after the end, but for one that was told before', async () => {
    const world = await governed({});
    const { task } = await world.event();
    const ref = { caller, taskId: task!.id };
    await addCost(world.parts, ref, { ...cost, key: 'a' });
    await world.end(true);
    await expect(addCost(world.parts, ref, { ...cost, key: 'b' })).rejects.toMatchObject(coded('TASK_ENDED'));
    expect((await addCost(world.parts, ref, { ...cost, key: 'a' })).entries).toBe(1);
  });
});
