import { describe, expect, test } from 'vitest';
import { sampleAttempt, sampleSession, sampleTask } from '../samples.ts';
import type { Fixture } from './fixture.ts';

/** Sessions, tasks and attempts. */
export function testTasks(fixture: () => Fixture): void {
  describe('sessions', () => {
    test('are found by id, name and workspace, and replaced as a whole', async () => {
      const { store } = fixture();
      const session = await fixture().session({ workspaceId: 'w', name: 'Alpha' });
      expect(await store.session(session.id)).toEqual(session);
      expect(await store.sessionByName('Alpha')).toEqual(session);
      expect(await store.sessionByName('alpha')).toBeNull();
      expect(await store.sessionByWorkspace('w')).toEqual(session);
      expect(await store.sessionByWorkspace('v')).toBeNull();
      const next = sampleSession({ id: session.id, name: 'Beta', templateConfig: null, description: null });
      await store.transact((tx) => tx.putSession(next));
      expect(await store.session(session.id)).toEqual(next);
      expect(await store.session('none')).toBeNull();
    });

    test('are listed newest first, by substring, id prefix, status and tag', async () => {
      const { store, session } = fixture();
      const a = await session({ id: 'aa-1', name: '100% Über', createdAt: 1, tags: ['a"b'] });
      const b = await session({ id: 'ab-2', name: 'x_y', createdAt: 2, status: 'COMPLETED' });
      const c = await session({ id: 'ba-3', name: 'xzy', createdAt: 2, tags: ['A"B'] });
      expect(await store.sessions({})).toEqual([c, b, a]);
      expect(await store.sessions({ name: '% ÜB' })).toEqual([a]);
      expect(await store.sessions({ name: 'X_Y' })).toEqual([b]);
      expect(await store.sessions({ idPrefix: 'AB' })).toEqual([b]);
      expect(await store.sessions({ idPrefix: '%' })).toEqual([]);
      expect(await store.sessions({ status: 'COMPLETED' })).toEqual([b]);
      expect(await store.sessions({ tag: 'a"b' })).toEqual([a]);
      expect(await store.sessions({ tag: 'a' })).toEqual([]);
    });
  });

  describe('tasks', () => {
    test('come back as they went in, with every value set and with none', async () => {
      const { store, task } = fixture();
      const plain = await task();
      const full = await task({
        sessionId: plain.sessionId,
        parentTaskId: plain.id,
        status: 'FAILED',
        message: 'm',
        progress: 33.5,
        errorCode: 'E',
        exitCode: 3,
        signal: 'SIGKILL',
        reason: 'oom',
        attempt: 2,
        priority: -5,
        ref: 'dev',
        timeoutMs: 1,
        autoFix: false,
        fixCount: 3,
        cancelRequested: true,
        logComplete: false,
        late: true,
        usage: { durationMs: 1.5, cpuMs: null, peakMemoryBytes: 2 ** 40 },
        createdAt: 1_800_000_000_000,
        startedAt: 1,
        finishedAt: 2,
      });
      expect(await store.task(plain.id)).toEqual(plain);
      expect(await store.task(full.id)).toEqual(full);
      expect(await store.task('none')).toBeNull();
    });

    test('are queued by priority, then age, then id', async () => {
      const { store, task, session } = fixture();
      const { id: sessionId } = await session();
      const put = (id: string, priority: number, createdAt: number) =>
        task({ id, sessionId, priority, createdAt });
      await put('c', 0, 1);
      await put('d', 0, 1);
      await put('a', 0, 2);
      await put('b', 1, 3);
      await put('e', -1, 0);
      const ids = async (order: 'queue' | 'newest', page?: { limit: number; offset: number }) =>
        (await store.tasks({ sessionId }, order, page)).map((one) => one.id);
      expect(await ids('queue')).toEqual(['b', 'c', 'd', 'a', 'e']);
      expect(await ids('newest')).toEqual(['b', 'a', 'd', 'c', 'e']);
      expect(await ids('queue', { limit: 2, offset: 1 })).toEqual(['c', 'd']);
      expect(await ids('queue', { limit: 2, offset: 9 })).toEqual([]);
    });

    test('are filtered and counted by session, statuses, parent and workspace', async () => {
      const { store, task, session } = fixture();
      const one = await session({ workspaceId: 'w' });
      const two = await session();
      const a = await task({ id: 'a', sessionId: one.id, status: 'PENDING' });
      const b = await task({ id: 'b', sessionId: one.id, status: 'LOST', parentTaskId: 'a' });
      const c = await task({ id: 'c', sessionId: two.id, status: 'FAILED' });
      const cases = [
        [{}, [a, b, c]],
        [{ sessionId: one.id }, [a, b]],
        [{ statuses: ['PENDING', 'FAILED'] as const }, [a, c]],
        [{ statuses: ['LOST'] as const }, [b]],
        [{ statuses: [] }, []],
        [{ parentTaskId: 'a' }, [b]],
        [{ workspaceId: 'w' }, [a, b]],
        [{ workspaceId: 'w', statuses: ['LOST'] as const }, [b]],
      ] as const;
      for (const [filter, expected] of cases) {
        expect(await store.tasks(filter, 'queue')).toEqual(expected);
        expect(await store.countTasks(filter)).toBe(expected.length);
      }
    });

    test('remember their idempotency key from the first time on; another task may not have it', async () => {
      const { store, session } = fixture();
      const task = sampleTask({ sessionId: (await session()).id });
      await store.transact((tx) => tx.putTask(task, { key: 'k', fingerprint: 'f' }));
      const changed = { ...task, status: 'COMPLETED' as const };
      await store.transact((tx) => tx.putTask(changed));
      expect(await store.taskByIdempotencyKey('k')).toEqual({ task: changed, fingerprint: 'f' });
      expect(await store.taskByIdempotencyKey('none')).toBeNull();
      const other = sampleTask({ sessionId: task.sessionId });
      const again = store.transact((tx) => tx.putTask(other, { key: 'k', fingerprint: 'g' }));
      await expect(again).rejects.toMatchObject({ code: 'KERUTA_ERR_IDEMPOTENCY' });
    });
  });

  describe('attempts', () => {
    test('come back as they went in, oldest first', async () => {
      const { store, task } = fixture();
      const { id: taskId } = await task();
      const first = sampleAttempt({ taskId, number: 1, state: 'lost', leaseUntil: null });
      const second = sampleAttempt({
        taskId,
        number: 2,
        state: 'finished',
        reason: 'manual_retry',
        startedAt: 1,
        finishedAt: 2,
        exitCode: 137,
        signal: 'SIGKILL',
        endReason: 'timeout',
        declared: { status: 'FAILED', message: 'm', errorCode: '', autoFix: null },
        controlSeq: 9,
        streams: {
          stdout: { size: 2 ** 41, crc32: 2 ** 32 - 1, lostBytes: 7 },
          stderr: { size: 1, crc32: 2, lostBytes: 3 },
        },
        usage: { durationMs: 1, cpuMs: 2, peakMemoryBytes: null },
      });
      await store.transact(async (tx) => {
        await tx.putAttempt(second);
        await tx.putAttempt(first);
      });
      expect(await store.attempts(taskId)).toEqual([first, second]);
      expect(await store.attempt(taskId, 2)).toEqual(second);
      expect(await store.attempt(taskId, 3)).toBeNull();
    });

    test('are found by the claim that made them', async () => {
      const { store, task } = fixture();
      const attempt = sampleAttempt({ taskId: (await task()).id, agentId: 'a', claimId: 'c' });
      await store.transact((tx) => tx.putAttempt(attempt));
      expect(await store.attemptByClaim('a', 'c')).toEqual(attempt);
      expect(await store.attemptByClaim('b', 'c')).toBeNull();
    });

    test('are open while claimed or exited', async () => {
      const { store, task, session } = fixture();
      const { id: sessionId } = await session();
      const states = ['claimed', 'exited', 'finished', 'lost', 'superseded'] as const;
      for (const [index, state] of states.entries()) {
        const { id: taskId } = await task({ sessionId });
        await store.transact((tx) => tx.putAttempt(sampleAttempt({ taskId, state, createdAt: index })));
      }
      const open = await store.openAttempts(sessionId);
      expect(open.map((attempt) => attempt.state)).toEqual(['claimed', 'exited']);
      expect(await store.openAttempts((await session()).id)).toEqual([]);
    });

    test('expire when their lease has ended, unless they are unleased or not open', async () => {
      const { store, task } = fixture();
      const put = async (some: { leaseUntil: number | null; state?: 'exited' | 'lost' }) => {
        const attempt = sampleAttempt({ taskId: (await task()).id, ...some });
        await store.transact((tx) => tx.putAttempt(attempt));
        return attempt;
      };
      const late = await put({ leaseUntil: 20, state: 'exited' });
      const early = await put({ leaseUntil: 10 });
      const edge = await put({ leaseUntil: 30 });
      const unleased = await put({ leaseUntil: null });
      const lost = await put({ leaseUntil: 1, state: 'lost' });
      expect(await store.expiredAttempts(30)).toEqual([early, late]);
      await store.transact((tx) => tx.extendLeases(25));
      const leases = async (taskId: string) => (await store.attempt(taskId, 1))?.leaseUntil;
      expect(await leases(late.taskId)).toBe(25);
      expect(await leases(early.taskId)).toBe(25);
      expect(await leases(edge.taskId)).toBe(30);
      expect(await leases(unleased.taskId)).toBeNull();
      expect(await leases(lost.taskId)).toBe(1);
    });

    test('take one stream or one lease without touching the rest', async () => {
      const { store, task } = fixture();
      const attempt = sampleAttempt({ taskId: (await task()).id });
      const stderr = { size: 5, crc32: 6, lostBytes: 7 };
      await store.transact(async (tx) => {
        await tx.putAttempt(attempt);
        await tx.putStream(attempt.taskId, 1, 'stderr', stderr);
        await tx.putLease(attempt.taskId, 1, 77);
      });
      expect(await store.attempt(attempt.taskId, 1)).toEqual({
        ...attempt,
        leaseUntil: 77,
        streams: { ...attempt.streams, stderr },
      });
    });
  });
}
