import { describe, expect, test } from 'vitest';
import {
  sampleAgent,
  sampleArtifact,
  sampleAttempt,
  sampleEvent,
  sampleInput,
  sampleLog,
  sampleSessionLog,
  sampleToken,
} from '../samples.ts';
import type { Fixture } from './fixture.ts';

/** What hangs on a task or a session: logs, artifacts, inputs, tokens, events; and how it goes with it. */
export function testHangings(fixture: () => Fixture): void {
  test('logs are listed newest first, filtered, paged, counted and deleted', async () => {
    const { store, task } = fixture();
    const { id: taskId, sessionId } = await task();
    const a = sampleLog({ taskId, sessionId, id: 'a', timestamp: 1, level: 'WARN', metadata: { k: ['v'] } });
    const b = sampleLog({ taskId, sessionId, id: 'b', timestamp: 2, source: 'other' });
    const c = sampleLog({ taskId, sessionId, id: 'c', timestamp: 2 });
    await store.transact((tx) => tx.insertLogs([a, b, c]));
    await store.transact((tx) => tx.insertLogs([a]));
    const cases = [
      [{}, [c, b, a]],
      [{ level: 'WARN' }, [a]],
      [{ level: 'NONE' }, []],
      [{ source: 'other' }, [b]],
      [{ from: 2 }, [c, b]],
      [{ to: 1 }, [a]],
      [{ from: 1, to: 2, source: 'task' }, [c, a]],
    ] as const;
    for (const [filter, expected] of cases) {
      expect(await store.logs(taskId, filter)).toEqual(expected);
      expect(await store.countLogs(taskId, filter)).toBe(expected.length);
    }
    expect(await store.logs(taskId, {}, { limit: 1, offset: 1 })).toEqual([b]);
    await store.transact((tx) => tx.deleteLogs(taskId));
    expect(await store.countLogs(taskId, {})).toBe(0);
  });

  test('a thousand logs go in at once, none is no error', async () => {
    const { store, task } = fixture();
    const { id: taskId, sessionId } = await task();
    const lines = Array.from({ length: 1000 }, () => sampleLog({ taskId, sessionId }));
    await store.transact((tx) => tx.insertLogs(lines));
    await store.transact((tx) => tx.insertLogs([]));
    expect(await store.countLogs(taskId, {})).toBe(1000);
  });

  test('artifacts are listed oldest first, of one attempt or all', async () => {
    const { store, task } = fixture();
    const { id: taskId } = await task();
    const late = sampleArtifact({ taskId, createdAt: 2, attempt: 2, unstable: true });
    const early = sampleArtifact({ taskId, createdAt: 1 });
    await store.transact(async (tx) => {
      await tx.putArtifact(late);
      await tx.putArtifact({ ...early, description: 'old' });
      await tx.putArtifact(early);
    });
    expect(await store.artifacts(taskId)).toEqual([early, late]);
    expect(await store.artifacts(taskId, 2)).toEqual([late]);
    expect(await store.artifact(late.id)).toEqual(late);
    await store.transact((tx) => tx.deleteArtifact(late.id));
    expect(await store.artifact(late.id)).toBeNull();
  });

  test('questions are listed oldest first and take their answer', async () => {
    const { store, task } = fixture();
    const { id: taskId } = await task();
    const late = sampleInput({ taskId, createdAt: 2 });
    const early = sampleInput({ taskId, createdAt: 1, secret: true, choices: [] });
    await store.transact(async (tx) => {
      await tx.putInputRequest(late);
      await tx.putInputRequest(early);
    });
    expect(await store.inputRequests(taskId)).toEqual([early, late]);
    const answered = { ...early, state: 'answered', answer: 'yes', answeredAt: 5 } as const;
    await store.transact((tx) => tx.putInputRequest(answered));
    expect(await store.inputRequest(early.id)).toEqual(answered);
    expect(await store.inputRequest('none')).toBeNull();
  });

  describe('tokens', () => {
    test('are found by hash and listed newest first, without those of tasks', async () => {
      const { store, task } = fixture();
      const { id: taskId, sessionId } = await task();
      const a = sampleToken({ createdAt: 1 });
      const b = sampleToken({ createdAt: 2, scope: 'session', sessionId, expiresAt: 9, revokedAt: 8 });
      const c = sampleToken({ createdAt: 3, scope: 'task', sessionId, taskId, attempt: 1 });
      await store.transact(async (tx) => {
        for (const token of [a, b, c]) await tx.putToken(token);
      });
      expect(await store.tokens()).toEqual([b, a]);
      expect(await store.tokenByHash(c.hash)).toEqual(c);
      expect(await store.tokenByHash('none')).toBeNull();
    });

    test('of a task end when told to, but for the one to keep and those that end before', async () => {
      const { store, task } = fixture();
      const { id: taskId } = await task();
      const of = (some: object) => sampleToken({ scope: 'task', taskId, ...some });
      const tokens = [of({}), of({ expiresAt: 100 }), of({ expiresAt: 10 }), of({}), sampleToken()];
      await store.transact(async (tx) => {
        for (const token of tokens) await tx.putToken(token);
        await tx.expireTaskTokens(taskId, 50, tokens[3]!.id);
      });
      const ends = await Promise.all(
        tokens.map(async (token) => (await store.tokenByHash(token.hash))?.expiresAt),
      );
      expect(ends).toEqual([50, 50, 10, null, null]);
    });
  });

  test('events are read after a number, oldest first, up to a limit', async () => {
    const { store, session } = fixture();
    const { id: sessionId } = await session();
    const other = await session();
    await store.transact(async (tx) => {
      for (let at = 1; at <= 3; at++) await tx.insertEvent(sampleEvent({ sessionId, at, taskId: 't' }));
      await tx.insertEvent(sampleEvent({ sessionId: other.id }));
    });
    expect(await store.events(sessionId, 1, 10)).toEqual([
      { ...sampleEvent({ sessionId, at: 2, taskId: 't' }), seq: 2 },
      { ...sampleEvent({ sessionId, at: 3, taskId: 't' }), seq: 3 },
    ]);
    expect((await store.events(sessionId, 0, 1)).map((event) => event.seq)).toEqual([1]);
    expect(await store.events(sessionId, 3, 10)).toEqual([]);
  });

  test('a deleted task takes along what hangs on it, and nothing else', async () => {
    const { store, task, session } = fixture();
    const { id: sessionId } = await session();
    const gone = await task({ sessionId });
    const stays = await task({ sessionId, parentTaskId: gone.id });
    const token = sampleToken({ scope: 'task', taskId: gone.id });
    const [artifact, input] = [sampleArtifact({ taskId: gone.id }), sampleInput({ taskId: gone.id })];
    await store.transact(async (tx) => {
      await tx.putAttempt(sampleAttempt({ taskId: gone.id }));
      await tx.insertLogs([sampleLog({ taskId: gone.id, sessionId })]);
      await tx.putArtifact(artifact);
      await tx.putInputRequest(input);
      await tx.putToken(token);
      await tx.insertEvent(sampleEvent({ sessionId, taskId: gone.id }));
      await tx.insertEvent(sampleEvent({ sessionId, taskId: stays.id }));
      await tx.deleteTask(gone.id);
    });
    expect(await store.task(gone.id)).toBeNull();
    expect(await store.task(stays.id)).toEqual(stays);
    expect(await store.attempts(gone.id)).toEqual([]);
    expect(await store.countLogs(gone.id, {})).toBe(0);
    expect(await store.artifact(artifact.id)).toBeNull();
    expect(await store.inputRequest(input.id)).toBeNull();
    expect(await store.tokenByHash(token.hash)).toBeNull();
    expect((await store.events(sessionId, 0, 9)).map((event) => event.taskId)).toEqual([stays.id]);
  });

  test('a deleted session names its tasks and takes everything along; its event numbers go on', async () => {
    const { store, task, session } = fixture();
    const { id: sessionId } = await session();
    const tasks = [await task({ sessionId }), await task({ sessionId })];
    const other = await task();
    const log = sampleSessionLog({ sessionId });
    await store.transact(async (tx) => {
      await tx.insertEvent(sampleEvent({ sessionId }));
      await tx.putAgent(sampleAgent({ sessionId }));
      await tx.insertSessionLog(log);
    });
    const ids = await store.transact((tx) => tx.deleteSession(sessionId));
    expect(ids.toSorted()).toEqual(tasks.map((one) => one.id).toSorted());
    expect(await store.session(sessionId)).toBeNull();
    expect(await store.countTasks({ sessionId })).toBe(0);
    expect(await store.sessionLog(log.id)).toBeNull();
    expect(await store.agents()).toEqual([]);
    expect(await store.events(sessionId, 0, 9)).toEqual([]);
    expect(await store.task(other.id)).toEqual(other);
    const seq = await store.transact((tx) => tx.insertEvent(sampleEvent({ sessionId })));
    expect(seq).toBe(2);
    expect(await store.transact((tx) => tx.deleteSession('none'))).toEqual([]);
  });
}
