import { describe, expect, test } from 'vitest';
import { creationTime } from '../../../internal/session/creation-time.ts';
import { fireMany } from '../../../internal/session/fire-many.ts';
import { submitTask } from '../../../internal/session/submit.ts';
import { caller, makeWorld, sessionId } from './claims-world.ts';
import { makeWatchedWorld } from './watch/watched-world.ts';

const count = 40;

describe('tasks that are made in the same millisecond', () => {
  test('run in the order in which they were submitted', async () => {
    const { parts, agent, store } = await makeWorld();
    for (let n = 0; n < count; n++)
      await submitTask(parts, caller, { sessionId, name: `${n}`, script: 'true' });
    const names: string[] = [];
    const one = agent();
    while (await one.claim()) {
      await one.finish();
      names.push((await store.task(one.ref.taskId))?.name ?? '');
    }
    expect(names).toEqual(Array.from({ length: count }, (_, n) => `${n}`));
  });

  test('by many events at once run in the order of those, and are told apart by the beginning of their ids', async () => {
    const world = await makeWatchedWorld();
    await world.apply({ name: 'm', run: 'true', overlap: 'allow' });
    const [trigger] = await world.store.triggers({});
    const wishes = Array.from({ length: count }, (_, n) => ({
      ...{ triggerId: trigger?.id ?? '', source: 'webhook' as const, key: `${n}`, kind: '', data: {} },
    }));
    const fired = await fireMany(world.parts, wishes);
    const ids = fired?.map(({ occurrence }) => occurrence.taskId ?? '') ?? [];
    const times = await Promise.all(ids.map(async (id) => (await world.store.task(id))?.createdAt ?? 0));
    const first = times[0] ?? 0;
    expect(times).toEqual(Array.from({ length: count }, (_, n) => first + n));
    // such as the branches of their agents
    expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(count);
  });
});

describe('the time at which a task is made', () => {
  test('is the clock’s, but for those of one session in one ms, by a second at most', async () => {
    const { store } = await makeWorld();
    const times = (session: string, ...at: number[]) => at.map((now) => creationTime(store, session, now));
    expect(times('a', 5_000, 5_000, 5_000, 5_001, 5_004)).toEqual([5_000, 5_001, 5_002, 5_003, 5_004]);
    expect(times('b', 5_000)).toEqual([5_000]);
    // a clock that was set back
    expect(times('a', 1_000)).toEqual([1_000]);
    const many = Array.from({ length: 3_000 }, () => creationTime(store, 'c', 9_000));
    expect(Math.max(...many)).toBeLessThanOrEqual(10_000);
    expect(creationTime((await makeWorld()).store, 'a', 5_000)).toBe(5_000);
  });
});
