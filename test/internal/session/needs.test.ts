import { expect, test } from 'vitest';
import { maxNeeds } from '../../../internal/domain/task.ts';
import { cancelTask } from '../../../internal/session/cancel.ts';
import { claim } from '../../../internal/session/claim.ts';
import { createSession } from '../../../internal/session/create-session.ts';
import { deleteTask } from '../../../internal/session/edit-task.ts';
import { retryTask } from '../../../internal/session/retry.ts';
import { caller, coded, makeWorld, never } from './claims-world.ts';

/** Two tasks, and a third that waits for both. */
async function world() {
  const all = await makeWorld();
  const [a, b] = [await all.addTask({ name: 'a' }), await all.addTask({ name: 'b' })];
  const last = await all.addTask({ name: 'last', priority: 9, needs: [a.id, b.id, a.id] });
  const agent = all.agent();
  const next = async () => (await agent.claim())?.task.name ?? null;
  const state = async (id = last.id) => {
    const { status, unmetNeeds, blockedBy } = await all.show(id);
    return { status, unmetNeeds, blockedBy };
  };
  return { ...all, a, b, last, agent, next, state };
}

test('a task that waits for others is run when all of them have succeeded, whatever its priority', async () => {
  const { agent, next, last, state, show } = await world();
  expect(await show(last.id)).toMatchObject({ needs: last.needs, message: 'waits for 2 tasks to succeed' });
  expect(last.needs).toHaveLength(2);
  for (const name of ['a', 'b']) {
    expect(await next()).toBe(name);
    await agent.finish();
  }
  expect(await state()).toEqual({ status: 'PENDING', unmetNeeds: 0, blockedBy: null });
  expect((await show(last.id)).message).toBe('');
  expect(await next()).toBe('last');
});

test('one that fails blocks it, with the reason, until it is retried and succeeds', async () => {
  const { parts, agent, next, a, b, last, state, show } = await world();
  await next();
  await agent.finish({ exitCode: 1 });
  expect(await state()).toEqual({ status: 'PENDING', unmetNeeds: 2, blockedBy: a.id });
  expect((await show(last.id)).message).toContain(`blocked: task ${a.id}`);
  await next();
  await agent.finish();
  expect(await state()).toEqual({ status: 'PENDING', unmetNeeds: 1, blockedBy: a.id });
  expect(await next()).toBeNull();
  await retryTask(parts, { caller, taskId: a.id });
  expect(await next()).toBe('a');
  await agent.finish();
  expect(await state()).toEqual({ status: 'PENDING', unmetNeeds: 0, blockedBy: null });
  expect(await next()).toBe('last');
  expect((await show(b.id)).status).toBe('COMPLETED');
});

test('one that is cancelled or deleted blocks it too; one that had succeeded may go', async () => {
  const { parts, agent, next, a, b, state } = await world();
  await next();
  await agent.finish();
  await deleteTask(parts, { caller, taskId: a.id });
  expect(await state()).toEqual({ status: 'PENDING', unmetNeeds: 1, blockedBy: null });
  await cancelTask(parts, { caller, taskId: b.id });
  expect(await state()).toEqual({ status: 'PENDING', unmetNeeds: 1, blockedBy: b.id });
  await deleteTask(parts, { caller, taskId: b.id });
  expect(await state()).toEqual({ status: 'PENDING', unmetNeeds: 1, blockedBy: b.id });
  expect(await next()).toBeNull();
});

test('what happens while it is cancelled counts when it is retried', async () => {
  const { parts, agent, next, last, state } = await world();
  await cancelTask(parts, { caller, taskId: last.id });
  for (const _ of ['a', 'b']) {
    await next();
    await agent.finish();
  }
  expect(await state()).toEqual({ status: 'CANCELLED', unmetNeeds: 0, blockedBy: null });
  await retryTask(parts, { caller, taskId: last.id });
  expect(await next()).toBe('last');
});

test('it may wait for a task of another session, and a claim that waits there hears of it', async () => {
  const { parts, agent, next, addTask, a } = await world();
  const other = await createSession(parts, caller, { name: 'other' });
  const there = await addTask({ sessionId: other.id, name: 'there', needs: [a.id] });
  const request = { agentId: 'other', claimId: 'c', waitMs: 30_000, agent: { hostname: 'h', version: '1' } };
  const waiting = claim(parts, { caller, sessionId: other.id, request, signal: never });
  expect(await next()).toBe('a');
  await agent.finish();
  expect((await waiting).claim?.task.id).toBe(there.id);
});

test('one that has succeeded before is met from the start, one that failed blocks from the start', async () => {
  const { agent, next, addTask, a, b } = await world();
  await next();
  await agent.finish();
  await next();
  await agent.finish({ exitCode: 1 });
  expect(await addTask({ needs: [a.id] })).toMatchObject({ unmetNeeds: 0, blockedBy: null, message: '' });
  expect(await addTask({ needs: [a.id, b.id] })).toMatchObject({ unmetNeeds: 1, blockedBy: b.id });
});

test('one that is not there, and too many, are refused', async () => {
  const { addTask } = await makeWorld();
  await expect(addTask({ needs: ['gone'] })).rejects.toMatchObject(coded('TASK_NOT_FOUND'));
  const many = Array.from({ length: maxNeeds + 1 }, (_, n) => `t${n}`);
  await expect(addTask({ needs: many })).rejects.toThrow(/waits for 100 others at most; got 101/);
});
