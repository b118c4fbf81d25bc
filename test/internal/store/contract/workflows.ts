import { expect, test } from 'vitest';
import { maxRowsAtOnce } from '../../../../internal/store/workflow-store.ts';
import { sampleAudit, sampleEvent, sampleSession, sampleTask } from '../samples.ts';
import { sampleOccurrence, sampleTrigger, sampleWorkflow } from '../workflow-samples.ts';
import type { Fixture } from './fixture.ts';

/** Workflows, their triggers, and what became of each time that one fell due. */
export function testWorkflows(fixture: () => Fixture): void {
  test('a workflow is found by id and by name, listed by name, and its name is taken', async () => {
    const { store } = fixture();
    const [b, a] = [sampleWorkflow({ name: 'b' }), sampleWorkflow({ name: 'a' })];
    await store.transact(async (tx) => {
      await tx.putWorkflow(b);
      await tx.putWorkflow(a);
    });
    expect(await store.workflow(a.id)).toEqual(a);
    expect(await store.workflowByName('b')).toEqual(b);
    expect(await store.workflows()).toEqual([a, b]);
    expect([await store.workflow('x'), await store.workflowByName('x')]).toEqual([null, null]);
    const same = sampleWorkflow({ name: 'a' });
    await expect(store.transact((tx) => tx.putWorkflow(same))).rejects.toMatchObject({
      code: 'KERUTA_ERR_WORKFLOW_NAME_TAKEN',
    });
  });

  test('versions are kept and listed newest first', async () => {
    const { store } = fixture();
    const workflow = sampleWorkflow();
    const version = (n: number) => ({
      workflowId: workflow.id,
      version: n,
      definition: workflow.definition,
      actor: 'a',
      at: n,
    });
    await store.transact(async (tx) => {
      await tx.putWorkflow(workflow);
      for (const n of [1, 2, 10]) await tx.insertWorkflowVersion(version(n));
    });
    expect(await store.workflowVersions(workflow.id)).toEqual([version(10), version(2), version(1)]);
    expect(await store.workflowVersion(workflow.id, 2)).toEqual(version(2));
    expect(await store.workflowVersion(workflow.id, 3)).toBeNull();
  });

  test('of triggers those are due that are awake and whose time has come, the most overdue first', async () => {
    const { store } = fixture();
    const workflow = sampleWorkflow();
    const make = (name: string, more: object) => sampleTrigger({ workflowId: workflow.id, name, ...more });
    const due = make('due', { nextAt: 50 });
    const overdue = make('overdue', { nextAt: 20 });
    const others = [
      make('later', { nextAt: 101 }),
      make('off', { nextAt: 1, enabled: false }),
      make('held', { nextAt: 1, pausedAt: 5 }),
      make('untimed', { nextAt: null, cursor: null, type: 'manual' }),
    ];
    expect(await store.nextDueAt()).toBeNull();
    await store.transact(async (tx) => {
      await tx.putWorkflow(workflow);
      for (const one of [due, overdue, ...others]) await tx.putTrigger(one);
    });
    expect(await store.dueTriggers(100, 10)).toEqual([overdue.id, due.id]);
    expect(await store.dueTriggers(100, 1)).toEqual([overdue.id]);
    expect(await store.nextDueAt()).toBe(20);
    expect(await store.trigger(due.id)).toEqual(due);
    expect((await store.triggers({ workflowId: workflow.id })).map(({ name }) => name)).toEqual([
      'due',
      'held',
      'later',
      'off',
      'overdue',
      'untimed',
    ]);
    expect((await store.triggers({ type: 'manual' })).map(({ name }) => name)).toEqual(['untimed']);
    await store.transact((tx) => tx.deleteTrigger(overdue.id));
    expect(await store.nextDueAt()).toBe(50);
  });

  test('many triggers are read in the order of their ids, and moved in time without touching anything else', async () => {
    const { store } = fixture();
    const workflow = sampleWorkflow();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => sampleTrigger({ workflowId: workflow.id, name }));
    if (!a || !b || !c) throw new Error('three');
    await store.transact(async (tx) => {
      await tx.putWorkflow(workflow);
      for (const one of [a, b, c]) await tx.putTrigger(one);
    });
    expect(await store.triggersOf([c.id, 'gone', a.id])).toEqual([c, a]);
    expect(await store.triggersOf([])).toEqual([]);
    const moved = [
      { id: a.id, cursor: Date.UTC(2026, 0, 1), nextAt: null, zoneData: '2026b UTC' },
      { id: c.id, cursor: 70, nextAt: 80, zoneData: '2026b Asia/Tokyo' },
    ];
    await store.transact(async (tx) => {
      await tx.moveTriggers(moved, 9);
      await tx.moveTriggers([], 10);
    });
    const after = (trigger: typeof a, n: number) => ({
      ...trigger,
      ...moved[n],
      updatedAt: 9,
    });
    expect(await store.triggersOf([a.id, b.id, c.id])).toEqual([after(a, 0), b, after(c, 1)]);
  });

  test('an occurrence is there once for each key of a trigger, and stays when its workflow goes', async () => {
    const { store } = fixture();
    const workflow = sampleWorkflow();
    const trigger = sampleTrigger({ workflowId: workflow.id });
    const about = { triggerId: trigger.id, workflowId: workflow.id };
    const [first, second] = [1, 2].map((n) => sampleOccurrence({ ...about, key: `k${n}`, decidedAt: n }));
    if (!first || !second) throw new Error('two');
    await store.transact(async (tx) => {
      await tx.putWorkflow(workflow);
      await tx.putTrigger(trigger);
      expect(await tx.insertOccurrence(first)).toBe(true);
      expect(await tx.insertOccurrence({ ...second, key: 'k1' })).toBe(false);
      expect(await tx.insertOccurrence(second)).toBe(true);
    });
    expect(await store.occurrence(trigger.id, 'k1')).toEqual(first);
    const page = { limit: 10, offset: 0 };
    expect(await store.occurrences({ triggerId: trigger.id }, page)).toEqual([second, first]);
    expect(await store.occurrences({ workflowId: workflow.id, from: 2 }, page)).toEqual([second]);
    expect(await store.occurrences({ workflowId: workflow.id, decision: 'skipped' }, page)).toEqual([]);
    await store.transact((tx) => tx.deleteWorkflow(workflow.id));
    expect([await store.trigger(trigger.id), await store.workflow(workflow.id)]).toEqual([null, null]);
    expect(await store.occurrences({ triggerId: trigger.id }, { limit: 1, offset: 1 })).toEqual([first]);
  });

  test('tasks of a trigger are unfinished until they end or are lost', async () => {
    const { store, session, task } = fixture();
    const { id: sessionId } = await session();
    const statuses = [
      'PENDING',
      'PROCESSING',
      'WAITING_FOR_INPUT',
      'COMPLETED',
      'FAILED',
      'CANCELLED',
      'LOST',
    ] as const;
    for (const [n, status] of statuses.entries())
      await task({ sessionId, status, triggerId: 't', createdAt: n });
    const made = await task({ sessionId, status: 'PENDING', triggerId: 'other' });
    expect((await store.unfinishedTasks('t')).map(({ status }) => status)).toEqual(statuses.slice(0, 3));
    for (const status of statuses.slice(3)) await task({ sessionId, status, triggerId: 'idle' });
    expect(await store.busyTriggers(['t', 'idle', 'gone'])).toEqual(new Set(['t']));
    expect(await store.busyTriggers([])).toEqual(new Set());
    const occurrence = sampleOccurrence({ taskId: made.id });
    await store.transact((tx) => tx.insertOccurrence(occurrence));
    expect(await store.occurrenceOfTask(made.id)).toEqual(occurrence);
  });

  test('a run is dead when its task failed and nothing ran in its place', async () => {
    const { store, task } = fixture();
    const ran = async (status: 'FAILED' | 'COMPLETED' | 'PENDING', some = {}) => {
      const { id: taskId } = await task({ status });
      const one = sampleOccurrence({ triggerId: 't', workflowId: 'w', key: taskId, taskId, ...some });
      await store.transact((tx) => tx.insertOccurrence(one));
      return one;
    };
    const [dead, again, refused] = [await ran('FAILED'), await ran('FAILED'), await ran('FAILED')];
    await ran('COMPLETED');
    await ran('PENDING');
    await ran('FAILED', { workflowId: 'other' });
    const made = await ran('FAILED', { key: `redrive:${again.id}` });
    await store.transact((tx) =>
      tx.insertOccurrence(
        sampleOccurrence({
          ...{ triggerId: 't', workflowId: 'w', key: `redrive:${refused.id}` },
          ...{ decision: 'skipped', reason: 'run_limit' },
        }),
      ),
    );
    const found = await store.occurrences({ workflowId: 'w', isDead: true }, { limit: 99, offset: 0 });
    expect(found.map(({ id }) => id).sort()).toEqual([dead, refused, made].map(({ id }) => id).sort());
    const first = await store.occurrences({ workflowId: 'w', isDead: true }, { limit: 1, offset: 1 });
    expect(first).toEqual(found.slice(1, 2));
  });

  test('many rows at once are as those that came one by one', async () => {
    const { store } = fixture();
    const session = sampleSession();
    const [taken, ...fresh] = Array.from({ length: maxRowsAtOnce }, (_, n) =>
      sampleOccurrence({ triggerId: 'many', key: `k-${n}` }),
    );
    const odd = (n: number) => `"\\u0041 '$1 ? é 😀 \n${n}`;
    const tasks = fresh.map((_, n) =>
      sampleTask({ sessionId: session.id, name: odd(n), parameters: { a: [1, 'é', '\0'] } }),
    );
    const events = tasks.map(({ id }) => sampleEvent({ sessionId: session.id, taskId: id }));
    const kept = fresh.map(({ id }, n) => ({ id, triggerId: 'many', kind: 'push', at: n, data: { n } }));
    const entries = [1, 2].map((at) => sampleAudit({ at }));
    if (!taken) throw new Error('no rows');
    const again = { ...taken, id: `${taken.id.slice(0, -4)}ffff` };
    const written = await store.transact(async (tx) => {
      await tx.putSession(session);
      await tx.insertOccurrence(taken);
      await tx.insertTasks(tasks);
      await tx.insertEvent(sampleEvent({ sessionId: session.id }));
      await tx.insertEvents(session.id, events);
      await tx.insertEvents(session.id, []);
      await tx.insertTriggerEvents(kept);
      await tx.insertAudits(entries);
      return tx.insertOccurrences([again, ...fresh]);
    });
    // the key that was there stays with its first row
    expect([...written].sort()).toEqual(fresh.map(({ id }) => id).sort());
    expect(await store.occurrence('many', taken.key)).toEqual(taken);
    expect(await store.occurrence('many', 'k-1')).toEqual(fresh[0]);
    expect(await store.task(tasks[0]?.id ?? '')).toEqual(tasks[0]);
    expect(await store.countTasks({ sessionId: session.id })).toBe(tasks.length);
    const told = await store.events(session.id, 1, 1000);
    expect(told).toEqual(events.map((event, n) => ({ ...event, seq: n + 2 })));
    expect(await store.lastEventSeq(session.id)).toBe(tasks.length + 1);
    expect(await store.triggerEvent(fresh[1]?.id ?? '')).toEqual(kept[1]);
    const audited = (await store.audit({ limit: 1000, offset: 0 })).map(({ id }) => id);
    expect(audited).toEqual(expect.arrayContaining(entries.map(({ id }) => id)));
  });

  test('text that no database can hold becomes U+FFFD in many rows as it does in one', async () => {
    const { store } = fixture();
    const session = sampleSession();
    const message = 'a\0b\ud800c';
    const [one, ...more] = [1, 2, 3].map(() => sampleTask({ sessionId: session.id, message }));
    if (!one) throw new Error('no task');
    await store.transact(async (tx) => {
      await tx.putSession(session);
      await tx.putTask(one);
      await tx.insertTasks(more);
    });
    const kept = await store.tasks({ sessionId: session.id }, 'queue');
    expect(new Set(kept.map((task) => task.message))).toEqual(new Set(['a\uFFFDb\uFFFDc']));
    expect(kept).toHaveLength(3);
  });

  test('old events go by their ids, the oldest first and not all at once', async () => {
    const { store } = fixture();
    const event = (id: string) => ({ id, triggerId: 't', kind: '', at: 1, data: {} });
    const ids = ['00-d', '00-a', '00-c', '00-b'];
    await store.transact((tx) => tx.insertTriggerEvents(ids.map(event)));
    const remove = (limit: number) => store.transact((tx) => tx.deleteTriggerEvents('00-d', limit));
    const left = async () => {
      const all = await Promise.all(ids.map((id) => store.triggerEvent(id)));
      return all.flatMap((one) => (one === null ? [] : [one.id])).sort();
    };
    expect([await remove(2), await left()]).toEqual([2, ['00-c', '00-d']]);
    expect([await remove(2), await left()]).toEqual([1, ['00-d']]);
  });

  test('an event is kept as it came', async () => {
    const { store } = fixture();
    const event = { id: 'e', triggerId: 't', kind: 'push', at: 5, data: { body: { a: [1, null, 'é'] } } };
    await store.transact((tx) => tx.insertTriggerEvent(event));
    expect(await store.triggerEvent('e')).toEqual(event);
    expect(await store.triggerEvent('f')).toBeNull();
  });

  test('a row on which nothing ran gives way to a run, once; a run gives way to nothing', async () => {
    const { store } = fixture();
    const skipped = sampleOccurrence({ decision: 'skipped', reason: 'missed' });
    const run = { ...skipped, decision: 'run' as const, reason: 'asked' as const, decidedAt: 9, actor: 'a' };
    await store.transact(async (tx) => {
      expect(await tx.replaceSkipped(run)).toBe(false);
      await tx.insertOccurrence(skipped);
      expect(await tx.replaceSkipped(run)).toBe(true);
      expect(await tx.replaceSkipped({ ...run, actor: 'b' })).toBe(false);
    });
    expect(await store.occurrence(skipped.triggerId, skipped.key)).toEqual(run);
  });

  test('a confirmation is kept until it is forgotten, a while after its end', async () => {
    const { store } = fixture();
    const given = { hash: 'h', triggerId: 't', actor: 'a', fingerprint: 'f', expiresAt: 5, usedAt: null };
    const used = { ...given, usedAt: 3 };
    await store.transact(async (tx) => {
      await tx.putConfirmation(given);
      await tx.putConfirmation(used);
      await tx.putConfirmation({ ...given, hash: 'old', expiresAt: 4 });
      await tx.forgetConfirmations(5);
    });
    expect([await store.confirmation('h'), await store.confirmation('old')]).toEqual([used, null]);
  });
}
