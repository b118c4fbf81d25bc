import { describe, expect, test } from 'vitest';
import { cancelTask } from '../../../../internal/session/cancel.ts';
import { editTask } from '../../../../internal/session/edit-task.ts';
import { fireMany } from '../../../../internal/session/fire-many.ts';
import { retryTask } from '../../../../internal/session/retry.ts';
import { setStatus } from '../../../../internal/session/set-status.ts';
import { sweep } from '../../../../internal/session/sweep.ts';
import { tick } from '../../../../internal/session/tick.ts';
import { pauseTrigger } from '../../../../internal/session/trigger-verbs.ts';
import type { Fact } from '../../../../internal/session/watch/facts.ts';
import { watchStore } from '../../../../internal/session/watch/watch-store.ts';
import type { Store } from '../../../../internal/store/store.ts';
import { sampleTask } from '../../store/samples.ts';
import { caller, never } from '../claims-world.ts';
import { makeWatchedWorld } from './watched-world.ts';

const every5 = { name: 'w', run: 'true', triggers: [{ type: 'cron', expression: '*/5 * * * *' }] };

describe('a watched store tells', () => {
  test('the beginning of every attempt and the end of a task, once each', async () => {
    const world = await makeWatchedWorld();
    const task = await world.addTask();
    const agent = world.agent();
    await agent.claim('claim-1');
    // the same wish again is the same attempt
    await agent.claim('claim-1');
    await agent.finish();
    await editTask(world.parts, { caller, taskId: task.id }, { name: 'another' });
    expect(await world.news()).toEqual(['started direct 1', 'ended direct COMPLETED']);
  });

  test('a failure that is tried again only when it is the last one', async () => {
    const world = await makeWatchedWorld();
    const task = await world.addTask({ retryCount: 1 });
    const agent = world.agent();
    for (const claim of ['a', 'b']) {
      await agent.claim(claim);
      await agent.finish({ exitCode: 1 });
    }
    expect(await world.news()).toEqual(['started direct 1', 'started direct 2', 'ended direct FAILED']);
    await retryTask(world.parts, { caller, taskId: task.id });
    await cancelTask(world.parts, { caller, taskId: task.id });
    expect(await world.news()).toEqual(['ended direct CANCELLED']);
  });

  test('the same of plain clients, which know no claims', async () => {
    const world = await makeWatchedWorld();
    const { id: taskId } = await world.addTask();
    for (const status of ['IN_PROGRESS', 'IN_PROGRESS', 'COMPLETED', 'COMPLETED'])
      await setStatus(world.parts, { caller, taskId }, { status });
    expect(await world.news()).toEqual(['started direct 1', 'ended direct COMPLETED']);
  });

  test('a lease that ran out, and not what its agent did before', async () => {
    const world = await makeWatchedWorld();
    await world.addTask();
    await world.agent().claim();
    await world.news();
    world.clock.advance(3_600_000);
    await sweep(world.parts);
    expect(await world.news()).toEqual(['lost 1']);
  });

  test('what becomes of triggers by the names they have now: registered, fired, skipped', async () => {
    const world = await makeWatchedWorld();
    await world.apply(every5);
    expect(await world.news()).toEqual(['registered w/cron', 'registered w/manual']);
    world.clock.advance(300_000);
    await tick(world.parts, never);
    world.clock.advance(300_000);
    await tick(world.parts, never);
    expect(await world.news()).toEqual([
      'occurred w/cron run due',
      'occurred w/cron skipped overlap_skipped',
    ]);
    await pauseTrigger(world.parts, { caller, workflow: 'w' });
    await world.apply(every5);
    expect(await world.news()).toEqual([]);
    await world.apply({ ...every5, triggers: [{ ...every5.triggers[0], name: 'often' }] });
    expect(await world.news()).toEqual(['registered w/often', 'registered w/manual']);
  });

  test('many events that were fired together one by one, and none that was on record', async () => {
    const world = await makeWatchedWorld();
    await world.apply({ name: 'm', run: 'true', overlap: 'allow' });
    await world.news();
    const [trigger] = await world.store.triggers({});
    const wishes = ['a', 'b', 'c'].map((key) => ({
      ...{ triggerId: trigger?.id ?? '', source: 'webhook' as const, key, kind: '', data: {} },
    }));
    await fireMany(world.parts, wishes.slice(0, 2));
    await fireMany(world.parts, wishes);
    expect(await world.news()).toEqual(Array(3).fill('occurred m/manual run event'));
  });

  test('nothing of a transaction that was undone, nor of a try that was made again', async () => {
    const world = await makeWatchedWorld();
    const ended = sampleTask({ sessionId: world.sessionId, status: 'COMPLETED' });
    let failures = 1;
    const end = (store: Pick<Store, 'transact'>) =>
      store.transact(async (tx) => {
        await tx.putTask(ended);
        const { id: taskId, sessionId } = ended;
        await tx.insertEvent({ sessionId, taskId, type: 'status', at: 1, data: {} });
        if (failures-- > 0) throw new Error('disk');
      });
    await expect(end(world.parts.store)).rejects.toThrow('disk');
    expect(await world.news()).toEqual([]);
    expect(world.transactions.at(-1)?.failed).toBe(true);

    const told: Fact[] = [];
    const stubborn: Store = {
      ...world.store,
      transact: (work) => world.store.transact(work).catch(() => world.store.transact(work)),
    };
    const watcher = { committed: (facts: readonly Fact[]) => void told.push(...facts), timed: () => {} };
    failures = 1;
    await end(watchStore(stubborn, { clock: world.clock, watcher, isFault: () => true }));
    expect(told).toEqual([{ kind: 'ended', task: ended }]);
  });
});

test('a store that cannot say the name of a trigger does not keep an execution from being told', async () => {
  const world = await makeWatchedWorld();
  await world.apply(every5);
  await world.news();
  world.clock.advance(300_000);
  const away = () => Promise.reject(new Error('away'));
  Object.assign(world.store, { trigger: away });
  await world.apply({ ...every5, description: 'so that the name is looked up anew' });
  await world.news();
  await tick(world.parts, never);
  expect(await world.news()).toEqual(['occurred unknown run due']);
});

test('facts that come faster than they can be told are counted, and work does not wait', async () => {
  const world = await makeWatchedWorld();
  const task = await world.addTask();
  world.chronicle.add(Array(30_000).fill({ kind: 'ended', task }));
  expect(world.chronicle.missed).toBe(10_000);
  expect(await world.news()).toHaveLength(20_000);
});
