import { describe, expect, test } from 'vitest';
import { retryDefaults } from '../../../../internal/domain/retry.ts';
import type { Task } from '../../../../internal/domain/task.ts';
import { ageingMs } from '../../../../internal/store/store.ts';
import { sampleAttempt } from '../samples.ts';
import type { Fixture } from './fixture.ts';

/** Which task is next. */
export function testQueue(fixture: () => Fixture): void {
  describe('the next task of a session', () => {
    async function queue(tasks: readonly (Partial<Task> & { readonly id: string })[]) {
      const { store, session, task } = fixture();
      const { id: sessionId } = await session();
      for (const one of tasks) await task({ sessionId, createdAt: 1000, ...one });
      await task({ id: 'elsewhere', priority: 99 });
      const next = async (now: number, outside: readonly string[] = []) =>
        (await store.nextTask({ sessionId, now, outside }))?.id ?? null;
      return { store, sessionId, next };
    }

    test('is the one with the highest priority, then the oldest, then by id', async () => {
      const { store, next } = await queue([
        { id: 'c', createdAt: 1000 },
        { id: 'b', createdAt: 1000 },
        { id: 'a', createdAt: 1001 },
        { id: 'high', priority: 1, createdAt: 1002 },
        { id: 'running', priority: 5, status: 'PROCESSING' },
        { id: 'low', priority: -1, createdAt: 900 },
      ]);
      for (const expected of ['high', 'b', 'c', 'a', 'low']) {
        expect(await next(2000)).toBe(expected);
        await store.transact((tx) => tx.deleteTask(expected));
      }
      expect(await next(2000)).toBeNull();
      expect(await store.nextTask({ sessionId: 'none', now: 1, outside: [] })).toBeNull();
    });

    test('is one of a lower priority when that has waited long enough', async () => {
      const { next } = await queue([
        { id: 'old', priority: -2, createdAt: 0 },
        { id: 'middle', priority: -1, createdAt: ageingMs },
        { id: 'young', priority: 0, createdAt: 2 * ageingMs - 1 },
        { id: 'future', priority: 0, createdAt: 9 * ageingMs },
      ]);
      expect(await next(2 * ageingMs - 1)).toBe('young');
      // all three count 0 then
      expect(await next(2 * ageingMs)).toBe('old');
    });

    test('is not one that needs a skill which the agent is not for', async () => {
      const { store, sessionId } = await queue([
        { id: 'backend', priority: 9, requiredSkill: 'backend' },
        { id: 'odd', priority: 8, requiredSkill: "it's 100%_" },
        { id: 'any' },
      ]);
      const next = async (labels?: readonly string[]) =>
        (await store.nextTask({ sessionId, now: 2000, outside: [], ...(labels && { labels }) }))?.id;
      expect(await next()).toBe('backend');
      expect(await next([])).toBe('backend');
      expect(await next(['frontend'])).toBe('any');
      // as it is written
      expect(await next(['Backend'])).toBe('any');
      expect(await next(['frontend', 'backend'])).toBe('backend');
      expect(await next(["it's 100%_"])).toBe('odd');
    });

    test('is not one whose time has not come', async () => {
      const { store, next, sessionId } = await queue([
        { id: 'later', priority: 9, notBefore: 5000 },
        { id: 'latest', notBefore: 9000 },
        { id: 'ended', status: 'FAILED', notBefore: 4000 },
        { id: 'now' },
      ]);
      expect(await next(4999)).toBe('now');
      expect(await next(5000)).toBe('later');
      const filter = { sessionId, statuses: ['PENDING'] as const };
      const due = async (dueBy: number) =>
        (await store.tasks({ ...filter, dueBy }, 'queue')).map(({ id }) => id);
      expect(await due(4999)).toEqual(['now']);
      expect(await store.countTasks({ ...filter, dueBy: 5000 })).toBe(2);
      expect(await store.nextNotBefore(sessionId, 1)).toBe(5000);
      expect(await store.nextNotBefore(sessionId, 5000)).toBe(9000);
      expect(await store.nextNotBefore(sessionId, 9000)).toBeNull();
    });

    test('is not one that waits for another task', async () => {
      const { store, next, sessionId } = await queue([
        { id: 'first' },
        { id: 'then', priority: 9, needs: ['first'], unmetNeeds: 1 },
      ]);
      const need = { id: 'first', state: 'open' } as const;
      await store.transact((tx) => tx.insertNeeds('then', [need, { id: 'gone', state: 'failed' }]));
      await store.transact((tx) => tx.insertNeeds('first', []));
      expect(await next(2000)).toBe('first');
      const due = await store.tasks({ sessionId, statuses: ['PENDING'], dueBy: 2000 }, 'queue');
      expect(due.map(({ id }) => id)).toEqual(['first']);
      expect((await store.figures(2000, 0)).queue.count).toBe(2);
      expect((await store.tasksThatNeed('first')).map(({ id }) => id)).toEqual(['then']);
      expect(await store.tasksThatNeed('then')).toEqual([]);
      await store.transact((tx) => tx.settleNeeds('first', 'met'));
      expect(await store.needs('then')).toEqual([
        { id: 'first', state: 'met' },
        { id: 'gone', state: 'failed' },
      ]);
      await store.transact((tx) => tx.deleteTask('then'));
      expect(await store.tasksThatNeed('first')).toEqual([]);
    });

    test('is not one of a group that has no room', async () => {
      const group = (concurrencyGroup: string) => ({ concurrencyGroup, concurrencyLimit: 1 });
      const { store, next, sessionId } = await queue([
        { id: 'a', priority: 3, ...group('x') },
        { id: 'b', priority: 2, ...group('y') },
        { id: 'c' },
      ]);
      expect(await next(2000)).toBe('a');
      expect(await next(2000, ['x'])).toBe('b');
      expect(await next(2000, ['x', 'y'])).toBe('c');
      expect(await store.groupSessions('x')).toEqual([sessionId]);
      expect(await store.groupSessions('z')).toEqual([]);
    });
  });

  test('a session has work when a task of it waits whose time has come, or one is lost', async () => {
    const { store, session, task } = fixture();
    const having = async (...tasks: readonly Partial<Task>[]) => {
      const { id: sessionId } = await session();
      for (const one of tasks) await task({ sessionId, ...one });
      return sessionId;
    };
    const waiting = await having({ status: 'COMPLETED' }, { status: 'PENDING' });
    const lost = await having({ status: 'LOST' });
    const later = await having({ status: 'PENDING', notBefore: 5000 });
    const busy = await having({ status: 'PROCESSING' }, { status: 'FAILED' });
    await having({ status: 'PENDING' });
    const asked = [waiting, lost, later, busy, 'none'];
    expect((await store.sessionsWithWork(asked, 4999)).sort()).toEqual([waiting, lost].sort());
    expect((await store.sessionsWithWork(asked, 5000)).sort()).toEqual([waiting, lost, later].sort());
    expect(await store.sessionsWithWork([], 5000)).toEqual([]);
  });

  test('lost attempts are listed when their task has a rule and is still LOST', async () => {
    const { store, task } = fixture();
    const lose = async (more: Partial<Task>, leaseUntil: number) => {
      const one = await task({ status: 'LOST', attempt: 1, retry: { ...retryDefaults }, ...more });
      const attempt = sampleAttempt({ taskId: one.id, state: 'lost', leaseUntil });
      await store.transact((tx) => tx.putAttempt(attempt));
      return attempt;
    };
    const [late, early] = [await lose({}, 20), await lose({}, 10)];
    await lose({}, 21);
    await lose({ retry: null }, 1);
    await lose({ status: 'COMPLETED' }, 1);
    await lose({ attempt: 2 }, 1);
    expect(await store.lostAttempts(20)).toEqual([early, late]);
  });

  test('a group is as full as attempts of it are open in all sessions, or lost of late', async () => {
    const { store, task } = fixture();
    const run = async (
      state: 'claimed' | 'exited' | 'finished' | 'lost' | 'superseded',
      more: Partial<Task> = {},
    ) => {
      const status = state === 'lost' ? 'LOST' : state === 'finished' ? 'COMPLETED' : 'PROCESSING';
      const one = await task({ concurrencyGroup: 'g', concurrencyLimit: 9, status, ...more });
      await store.transact((tx) =>
        tx.putAttempt(sampleAttempt({ taskId: one.id, state, leaseUntil: state === 'lost' ? 500 : null })),
      );
    };
    for (const state of ['claimed', 'exited', 'finished', 'lost', 'superseded'] as const) await run(state);
    await run('claimed', { concurrencyGroup: 'other' });
    await task({ concurrencyGroup: 'g', concurrencyLimit: 9 });
    expect(await store.groupLoad('g', 500)).toBe(2);
    expect(await store.groupLoad('g', 499)).toBe(3);
    expect(await store.groupLoad('none', 0)).toBe(0);
  });

  test('sessions could begin a task of a group that have one, none under way, and an agent at leisure', async () => {
    const { store, session, task } = fixture();
    const now = 50_000;
    const place = async (
      more: Partial<Task>,
      agent: {
        readonly taskId?: string;
        readonly lastSeenAt?: number;
        readonly labels?: string[];
      } | null = {},
    ) => {
      const { id: sessionId } = await session();
      const one = await task({ sessionId, concurrencyGroup: 'g', concurrencyLimit: 1, ...more });
      if (agent !== null) {
        const named = {
          id: `of ${sessionId}`,
          sessionId,
          hostname: 'h',
          version: '1',
          labels: [],
          firstSeenAt: 1,
        };
        const row = { ...named, taskId: null, lastSeenAt: 40_000, ...agent };
        await store.transact((tx) => tx.putAgent(row));
      }
      return one;
    };
    const ready = await place({});
    const due = await place({ notBefore: now });
    const skilled = await place({ requiredSkill: 'a' }, { labels: ['b', 'a'] });
    const trusting = await place({ requiredSkill: 'a' });
    await place({ requiredSkill: 'a' }, { labels: ['b'] });
    await place({ notBefore: now + 1 });
    await place({ status: 'COMPLETED' });
    await place({ concurrencyGroup: 'other' });
    await place({}, null);
    await place({}, { taskId: 'elsewhere' });
    await place({}, { lastSeenAt: 39_999 });
    const busy = await place({});
    const running = await task({ sessionId: busy.sessionId, status: 'PROCESSING' });
    const open = sampleAttempt({ taskId: running.id, state: 'claimed', leaseUntil: null });
    await store.transact((tx) => tx.putAttempt(open));
    const found = await store.groupRivals('g', { now, seenSince: 40_000 });
    expect(found).toEqual([ready, due, skilled, trusting].map(({ sessionId }) => sessionId).sort());
  });
}
