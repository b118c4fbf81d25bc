import { describe, expect, test } from 'vitest';
import type { Task } from '../../../../internal/domain/task.ts';
import type { Fixture } from './fixture.ts';

/** What is to go, and what goes with it. */
export function testRetention(fixture: () => Fixture): void {
  describe('tasks that ended before a time', () => {
    const ended = (id: string, more: Partial<Task> = {}) =>
      ({ id, status: 'COMPLETED', finishedAt: 1000, updatedAt: 1000, ...more }) as const;

    test('are found, the first of them first', async () => {
      const { store, task } = fixture();
      await task(ended('c', { finishedAt: 900, status: 'CANCELLED' }));
      await task(ended('a', { finishedAt: 901, status: 'FAILED' }));
      await task(ended('b', { finishedAt: 899 }));
      await task(ended('young', { finishedAt: 1001, updatedAt: 1001 }));
      expect(await store.endedTasks(1000, 10)).toEqual([]);
      expect(await store.endedTasks(1001, 10)).toEqual(['b', 'c', 'a']);
      expect(await store.endedTasks(1001, 2)).toEqual(['b', 'c']);
    });

    test('are not found while they are at work, or when only a wrong clock says so', async () => {
      const { store, task } = fixture();
      for (const status of ['PENDING', 'PROCESSING', 'WAITING_FOR_INPUT', 'LOST'] as const) {
        await task({ id: status, status, finishedAt: 1, updatedAt: 1 });
      }
      await task(ended('skewed', { finishedAt: 1, updatedAt: 5000 }));
      expect(await store.endedTasks(5000, 10)).toEqual([]);
    });

    test('are not found while a subtask is at work', async () => {
      const { store, task } = fixture();
      const { sessionId } = await task(ended('parent'));
      const below = await task({ id: 'below', sessionId, parentTaskId: 'parent', status: 'PENDING' });
      expect(await store.endedTasks(2000, 10)).toEqual([]);
      await store.transact((tx) => tx.putTask({ ...below, ...ended('below') }));
      expect((await store.endedTasks(2000, 10)).toSorted()).toEqual(['below', 'parent']);
    });
  });

  test('removals are found from their time on until they are deleted', async () => {
    const { store } = fixture();
    const many = Array.from({ length: 250 }, (_, n) => `task-${n}`);
    await store.transact(async (tx) => {
      await tx.insertRemovals([], 1);
      await tx.insertRemovals(['late'], 20);
      await tx.insertRemovals(many, 10);
    });
    expect(await store.removals(10, 500)).toEqual([]);
    expect((await store.removals(20, 500)).toSorted()).toEqual(many.toSorted());
    expect(await store.removals(21, 100)).toHaveLength(100);
    await store.transact(async (tx) => {
      await tx.deleteRemovals([]);
      await tx.deleteRemovals(many);
    });
    expect(await store.removals(21, 500)).toEqual(['late']);
  });

  test('a value goes with its task, or when its time has come; another one stays', async () => {
    const { store, task } = fixture();
    const { id: taskId } = await task();
    await store.transact(async (tx) => {
      await tx.putMeta('of the task', '1', { taskId });
      await tx.putMeta('for a while', '2', { forgetAt: 100 });
      await tx.putMeta('for good', '3');
    });
    // a change changes nothing about that
    await store.transact(async (tx) => {
      for (const name of ['of the task', 'for a while', 'for good']) await tx.putMeta(name, 'x');
    });
    const names = ['of the task', 'for a while', 'for good'];
    const all = () => Promise.all(names.map((name) => store.meta(name)));
    await store.transact((tx) => tx.forgetMeta(99));
    expect(await all()).toEqual(['x', 'x', 'x']);
    await store.transact((tx) => tx.forgetMeta(100));
    expect(await all()).toEqual(['x', null, 'x']);
    await store.transact((tx) => tx.deleteTask(taskId));
    expect(await all()).toEqual([null, null, 'x']);
  });

  test('the key of a task is told', async () => {
    const { store, session, task } = fixture();
    const { id } = await task({ sessionId: (await session()).id });
    expect([await store.idempotencyKeyOf(id), await store.idempotencyKeyOf('none')]).toEqual([null, null]);
    const keyed = { ...(await task()), id: 'keyed' };
    await store.transact((tx) => tx.putTask(keyed, { key: 'k', fingerprint: 'f' }));
    expect(await store.idempotencyKeyOf('keyed')).toBe('k');
  });
}
