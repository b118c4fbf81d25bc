import { describe, expect, onTestFinished, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { addArtifact } from '../../../internal/session/artifacts.ts';
import { createDocument } from '../../../internal/session/documents.ts';
import { deleteTask } from '../../../internal/session/edit-task.ts';
import { fireEvent } from '../../../internal/session/fire-event.ts';
import { forgetTasks } from '../../../internal/session/forget-tasks.ts';
import { keysKeptMs } from '../../../internal/session/once-per-key.ts';
import { sweepRemovals } from '../../../internal/session/removals.ts';
import { startRetention } from '../../../internal/session/retention-loop.ts';
import { submitTask } from '../../../internal/session/submit.ts';
import { caller, makeWorld, never, once, sessionId, streams, type World } from './claims-world.ts';

const hourMs = 3_600_000;
const tasksKeepMs = 24 * hourMs;

/** Runs a task to its end, with output and an artifact. @returns its id, and where its bytes are */
async function ran(world: World, more: Parameters<World['addTask']>[0] = {}) {
  const { id } = await world.addTask(more);
  const agent = world.agent();
  await agent.claim();
  await agent.write('stdout', 0, 'hello\n');
  const about = { path: 'a.txt', attempt: 1, contentType: 'text/plain', description: '', unstable: false };
  const artifact = await addArtifact(world.parts, {
    ...{ caller, taskId: id, filename: 'a.txt', bytes: once('kept') },
    about: () => Promise.resolve({ ...about, sha256: null }),
  });
  await agent.finish({ streams: streams({ stdout: 'hello\n' }) });
  return { id, keys: [`${id}/1/stdout`, `${id}/artifacts/${artifact.id}`] };
}

const sizes = (world: World, keys: readonly string[]) => Promise.all(keys.map((key) => world.blob.size(key)));

describe('tasks that are kept for a day', () => {
  async function world() {
    const made = await makeWorld();
    return { ...made, parts: { ...made.parts, tasksKeepMs } };
  }

  test('go a day after their end, with all there is of them; those that are at work stay', async () => {
    const here = await world();
    const old = await ran(here);
    const waiting = await here.addTask();
    here.clock.jump(hourMs);
    const young = await ran(here, { priority: 100 });
    expect(await sizes(here, old.keys)).toEqual([6, 4]);
    here.clock.jump(tasksKeepMs - hourMs - 10);
    expect(await forgetTasks(here.parts, never)).toBe(0);
    // its agent says that it ended a second after the store's time
    here.clock.jump(2_000);
    expect(await forgetTasks(here.parts, never)).toBe(1);
    expect(await here.store.task(old.id)).toBeNull();
    expect(await here.store.attempts(old.id)).toEqual([]);
    expect(await sizes(here, [...old.keys, ...young.keys])).toEqual([0, 0, 6, 4]);
    expect((await here.show(waiting.id)).status).toBe('PENDING');
    here.clock.jump(hourMs);
    expect(await forgetTasks(here.parts, never)).toBe(1);
    here.clock.jump(1000 * tasksKeepMs);
    expect(await forgetTasks(here.parts, never)).toBe(0);
  });

  test('go by hundreds, and no further when the server stops', async () => {
    const here = await world();
    for (let n = 0; n < 5; n++) {
      const { id } = await here.addTask();
      await here.store.transact(async (tx) => {
        const task = await here.show(id);
        await tx.putTask({ ...task, status: 'CANCELLED', finishedAt: here.clock.now() });
      });
    }
    const rows = Array.from(
      { length: 230 },
      (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    );
    const [one] = await here.store.tasks({ sessionId }, 'queue');
    if (!one) throw new Error('there is none');
    await here.store.transact((tx) => tx.insertTasks(rows.map((id) => ({ ...one, id }))));
    here.clock.jump(2 * tasksKeepMs);
    expect(await forgetTasks(here.parts, AbortSignal.abort())).toBe(0);
    expect(await forgetTasks(here.parts, never)).toBe(235);
    expect(await here.store.countTasks({ sessionId })).toBe(0);
  });

  test('stay as long as anybody likes when nothing is said about it', async () => {
    const here = await makeWorld();
    const { id } = await ran(here);
    here.clock.jump(10_000 * tasksKeepMs);
    expect(await forgetTasks(here.parts, never)).toBe(0);
    expect((await here.show(id)).status).toBe('COMPLETED');
  });

  test('are not run a second time when a client asks again, or a delivery comes again', async () => {
    const here = await world();
    const newTask = { sessionId, name: 'once', script: 'true' };
    const ask = () => submitTask(here.parts, caller, newTask, { idempotencyKey: 'k' });
    const { task } = await ask();
    await here.agent().claim();
    await here.store.transact((tx) =>
      tx.putTask({ ...task, status: 'COMPLETED', finishedAt: here.clock.now() }),
    );
    const value = { name: 'w', run: 'true', overlap: 'allow' };
    await applyWorkflow(here.parts, { caller, owner: 'api', value });
    const [trigger] = await here.store.triggers({});
    const event = { source: 'webhook', key: 'delivery:1', kind: 'push', data: {} } as const;
    const deliver = () => fireEvent(here.parts, { triggerId: trigger?.id ?? '', ...event });
    const fired = (await deliver()).task;
    if (!fired) throw new Error('nothing ran');
    await here.store.transact((tx) =>
      tx.putTask({ ...fired, status: 'COMPLETED', finishedAt: here.clock.now() }),
    );

    here.clock.jump(2 * tasksKeepMs);
    expect(await forgetTasks(here.parts, never)).toBe(2);
    await expect(ask()).rejects.toMatchObject({
      code: 'KERUTA_ERR_IDEMPOTENCY',
      details: { taskId: task.id },
    });
    expect(await deliver()).toMatchObject({ isNew: false, task: null });
    expect(await here.store.countTasks({})).toBe(0);
    here.clock.jump(keysKeptMs);
    await here.store.transact((tx) => tx.forgetMeta(here.clock.now()));
    expect((await ask()).created).toBe(true);
  });
});

describe('bytes of a task that was deleted', () => {
  test('are gone at once, and what came behind them is later', async () => {
    const here = await makeWorld();
    const { id, keys } = await ran(here);
    await deleteTask(here.parts, { caller, taskId: id });
    expect(await sizes(here, keys)).toEqual([0, 0]);
    // it was on its way while the task was deleted
    await here.blob.append(keys[0] ?? '', 0, Buffer.from('late'));
    expect(await sweepRemovals(here.parts, never)).toBe(0);
    here.clock.jump(hourMs);
    expect(await sweepRemovals(here.parts, never)).toBe(1);
    expect(await sizes(here, keys)).toEqual([0, 0]);
    expect(await sweepRemovals(here.parts, never)).toBe(0);
  });

  test('are removed later when their disk fails', async () => {
    const here = await makeWorld();
    const { id, keys } = await ran(here);
    const blob = { ...here.blob, deleteAll: () => Promise.reject(new Error('EIO')) };
    await deleteTask({ ...here.parts, blob }, { caller, taskId: id });
    expect(await here.store.task(id)).toBeNull();
    expect(await sizes(here, keys)).toEqual([6, 4]);
    here.clock.jump(hourMs);
    await expect(sweepRemovals({ ...here.parts, blob }, never)).rejects.toThrow('EIO');
    expect(await sweepRemovals(here.parts, never)).toBe(1);
    expect(await sizes(here, keys)).toEqual([0, 0]);
  });
});

test('the loop removes what is too old hour by hour, goes on after a fault, and tells of one that stays', async () => {
  const here = await makeWorld();
  const parts = { ...here.parts, tasksKeepMs };
  let broken = true;
  const store = {
    ...here.store,
    endedTasks: (before: number, limit: number) =>
      broken ? Promise.reject(new Error('away')) : here.store.endedTasks(before, limit),
  };
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const { id } = await ran(here);
  await createDocument(here.parts, caller, { title: 't', content: '' }, { key: 'k' });
  const loop = startRetention({ ...parts, store }, stop.signal);
  const pass = async (ms: number) => {
    for (let n = 0; n < 50; n++) await new Promise(setImmediate);
    here.clock.advance(ms);
    for (let n = 0; n < 50; n++) await new Promise(setImmediate);
  };
  await pass(0);
  expect(loop.doubts()).toEqual([]);
  await pass(60_000);
  await pass(60_000);
  expect(loop.doubts()).toEqual(['retention: what is too old cannot be removed']);
  broken = false;
  await pass(60_000);
  expect(loop.doubts()).toEqual([]);
  expect(await here.store.task(id)).not.toBeNull();
  await pass(2 * tasksKeepMs);
  expect(await here.store.task(id)).toBeNull();
  stop.abort();
  await loop.ended;
});
