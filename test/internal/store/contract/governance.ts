import { expect, test } from 'vitest';
import type { Approval, Reservation, WorkflowHistory } from '../../../../internal/domain/governance.ts';
import { emptyPolicy } from '../../../../internal/domain/policy.ts';
import { sampleToken } from '../samples.ts';
import { sampleTrigger, sampleWorkflow } from '../workflow-samples.ts';
import type { Fixture } from './fixture.ts';

/** What policies say and count. */
export function testGovernance(fixture: () => Fixture): void {
  test('a policy is kept in its place, replaced, and removed', async () => {
    const { store } = fixture();
    const policy = {
      place: 'global',
      policy: { ...emptyPolicy, maxRunsPerDay: 3 },
      actor: 'a',
      updatedAt: 1,
    };
    await store.transact(async (tx) => {
      await tx.putPolicy({ ...policy, updatedAt: 0 });
      await tx.putPolicy(policy);
      await tx.putPolicy({ ...policy, place: 'session:x' });
    });
    expect(await store.policies(['global', 'session:y'])).toEqual([policy]);
    expect(await store.policies([])).toEqual([]);
    await store.transact((tx) => tx.deletePolicy('global'));
    expect((await store.policies(['global', 'session:x'])).map(({ place }) => place)).toEqual(['session:x']);
  });

  test('of 50 who take from a limit of 10 at once exactly 10 get it', async () => {
    const { store } = fixture();
    const take = () =>
      store.transact((tx) => tx.takeFromCounter({ key: 'runs', amount: 1, limit: 10, now: 1 }));
    const got = await Promise.all(Array.from({ length: 50 }, take));
    expect(got.filter(Boolean)).toHaveLength(10);
    expect(await store.counters(['runs', 'other'])).toEqual(new Map([['runs', 10]]));
  });

  test('a limit is met exactly, also by amounts of several, and what is given back may be taken again', async () => {
    const { store } = fixture();
    const [key, now] = ['cost', 1];
    const take = (amount: number) =>
      store.transact((tx) => tx.takeFromCounter({ key, amount, limit: 100, now }));
    expect([await take(101), await take(60), await take(41), await take(40), await take(1)]).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
    await store.transact((tx) => tx.addToCounter({ key, amount: -60, now }));
    expect(await take(60)).toBe(true);
    await store.transact(async (tx) => {
      await tx.addToCounter({ key, amount: 50, now });
      await tx.addToCounter({ key: 'below', amount: -5, now });
      await tx.addToCounter({ key: 'below', amount: 2, now: 50 });
    });
    expect(await store.counters([key, 'below'])).toEqual(
      new Map([
        [key, 150],
        ['below', 2],
      ]),
    );
    await store.transact((tx) => tx.forgetCounters(50));
    expect(await store.counters([key, 'below'])).toEqual(new Map([['below', 2]]));
    expect(await store.counters([])).toEqual(new Map());
  });

  test('what is known of runs is not written over by one who read it earlier', async () => {
    const { store } = fixture();
    const breaker: WorkflowHistory['breaker'] = {
      ...{ state: 'half_open', results: 'FFFFF', openedAt: 5, coolOffMs: 9, succeeded: 0 },
      probe: { taskId: 't', until: 7 },
    };
    const first: WorkflowHistory = {
      ...{ workflowId: 'w', lastStartAt: 1, lastSuccessAt: null, breaker: null, version: 1 },
    };
    const put = (history: WorkflowHistory) => store.transact((tx) => tx.putWorkflowHistory(history));
    expect(await store.workflowHistory('w')).toBeNull();
    expect([await put(first), await put(first)]).toEqual([true, false]);
    const both = await Promise.all([1, 2, 3, 4].map(() => put({ ...first, breaker, version: 2 })));
    expect(both.filter(Boolean)).toHaveLength(1);
    expect(await store.workflowHistory('w')).toEqual({ ...first, breaker, version: 2 });
  });

  test('the newest settled runs tell what a workflow costs', async () => {
    const { store } = fixture();
    const make = (n: number, more: Partial<Reservation> = {}): Reservation => ({
      ...{ taskId: `t${n}`, workflowId: 'w', heldMicro: 5, spentMicro: n, capMicro: null },
      windows: [{ key: 'k', limitMicro: 9 }],
      ...{ state: 'settled', createdAt: n, warnedAt: null, exceededAt: null },
      ...more,
    });
    await store.transact(async (tx) => {
      for (const n of [1, 2, 3]) await tx.putReservation(make(n));
      await tx.putReservation(make(4, { state: 'held' }));
      await tx.putReservation(make(5, { workflowId: 'other' }));
      await tx.putReservation(make(3, { capMicro: 8, warnedAt: 1 }));
    });
    expect(await store.recentCosts('w', 2)).toEqual([3, 2]);
    expect(await store.reservation('t3')).toEqual(make(3, { capMicro: 8, warnedAt: 1 }));
    expect(await store.reservation('t9')).toBeNull();
  });

  test('a cost that is said twice counts once', async () => {
    const { store } = fixture();
    const cost = {
      ...{ taskId: 't', attempt: 1, key: 'a', micro: 120_000, tokensIn: 10, tokensOut: null, model: 'm' },
      at: 1,
    };
    const add = (more: object) => store.transact((tx) => tx.insertCost({ ...cost, ...more }));
    expect([await add({}), await add({ micro: 5 }), await add({ key: 'b', at: 2 })]).toEqual([
      true,
      false,
      true,
    ]);
    expect(await store.costs('t')).toEqual([cost, { ...cost, key: 'b', at: 2 }]);
    expect(await store.costSum('t')).toEqual({ micro: 240_000, tokensIn: 20, tokensOut: 0, entries: 2 });
    expect(await store.costSum('u')).toEqual({ micro: 0, tokensIn: 0, tokensOut: 0, entries: 0 });
  });

  test('unfinished tasks of triggers are counted by workflow, by session, and in all', async () => {
    const { store, task, session } = fixture();
    const workflow = sampleWorkflow();
    const triggers = ['a', 'b'].map((name) => sampleTrigger({ workflowId: workflow.id, name }));
    await store.transact(async (tx) => {
      await tx.putWorkflow(workflow);
      for (const trigger of triggers) await tx.putTrigger(trigger);
    });
    const { id: sessionId } = await session();
    const [a, b] = triggers.map(({ id }) => id);
    await task({ sessionId, triggerId: a!, status: 'PENDING' });
    await task({ sessionId, triggerId: b!, status: 'PROCESSING' });
    await task({ sessionId, triggerId: b!, status: 'COMPLETED' });
    await task({ sessionId, triggerId: b!, status: 'LOST' });
    await task({ sessionId, triggerId: null, status: 'PENDING' });
    await task({ triggerId: 'of another', status: 'PENDING' });
    expect([
      await store.countUnfinished({ workflowId: workflow.id }),
      await store.countUnfinished({ sessionId }),
      await store.countUnfinished({}),
    ]).toEqual([2, 2, 3]);
  });

  test('questions for approval are found by state and session, the newest first', async () => {
    const { store } = fixture();
    const make = (n: number, more: Partial<Approval> = {}): Approval => ({
      ...{ id: `a${n}`, workflowId: 'w', workflowVersion: 1, triggerId: 't', key: `k${n}`, sessionId: 's' },
      ...{ role: 'ops', approved: ['dev'], parameters: { a: [1] }, state: 'asked', actor: 'system' },
      ...{ createdAt: n, expiresAt: 9, decidedBy: null, decidedAt: null },
      ...more,
    });
    const denied = make(3, { state: 'denied', decidedBy: 'x', decidedAt: 4 });
    await store.transact(async (tx) => {
      for (const one of [make(1), make(2), make(3), make(4, { sessionId: 'z' })]) await tx.putApproval(one);
      await tx.putApproval(denied);
    });
    const page = { limit: 10, offset: 0 };
    const ids = async (filter: object) => (await store.approvals(filter, page)).map(({ id }) => id);
    expect(await ids({})).toEqual(['a4', 'a3', 'a2', 'a1']);
    expect(await ids({ state: 'asked', sessionId: 's' })).toEqual(['a2', 'a1']);
    expect(await store.approval('a3')).toEqual(denied);
    expect(await store.approval('a9')).toBeNull();
  });

  test('a token keeps its role', async () => {
    const { store } = fixture();
    const token = sampleToken({ role: 'release' });
    await store.transact((tx) => tx.putToken(token));
    expect(await store.tokenByHash(token.hash)).toEqual(token);
  });
}
