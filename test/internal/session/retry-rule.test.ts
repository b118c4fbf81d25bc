import { describe, expect, test } from 'vitest';
import { defaultTiming } from '../../../internal/domain/attempt.ts';
import { type RetryRule, retryDefaults } from '../../../internal/domain/retry.ts';
import type { NewTask } from '../../../internal/domain/task.ts';
import { retryTask } from '../../../internal/session/retry.ts';
import { sweep } from '../../../internal/session/sweep.ts';
import { caller, coded, makeWorld } from './claims-world.ts';

const rule = (more: Partial<RetryRule> = {}): RetryRule => ({ ...retryDefaults, ...more });

/** A world whose chance is known, with one task in it. */
async function withTask(task: Partial<NewTask>, fraction = 0) {
  const world = await makeWorld();
  const parts = { ...world.parts, random: { ...world.parts.random, fraction: () => fraction } };
  const { id } = await world.addTask(task);
  const agent = world.agent();
  Object.assign(agent, { parts });
  const show = () => world.show(id);
  const left = async () => ((await show()).notBefore ?? 0) - world.clock.now();
  return { ...world, parts, id, agent, show, left };
}

describe('a task with a rule of retries', () => {
  test('waits between its runs, longer each time, and is claimed from then on only', async () => {
    const { agent, clock, show, left, store, id } = await withTask({ retryCount: 2, retry: rule() });
    await agent.claim();
    expect(await agent.finish({ exitCode: 1 })).toMatchObject({ willRetry: true });
    expect(await show()).toMatchObject({ status: 'PENDING', retriesUsed: 1, exitCode: 1 });
    expect(await left()).toBe(30_000);
    clock.advance(29_999);
    expect(await agent.claim()).toBeNull();
    clock.advance(1);
    expect((await agent.claim())?.attempt).toMatchObject({ number: 2, reason: 'retry' });
    expect((await show()).notBefore).toBeNull();
    await agent.finish({ exitCode: 1 });
    expect(await left()).toBe(60_000);
    clock.advance(60_000);
    await agent.claim();
    expect(await agent.finish({ exitCode: 1 })).toMatchObject({ willRetry: false });
    expect(await show()).toMatchObject({ status: 'FAILED', attempt: 3, retriesUsed: 2 });
    expect((await store.attempts(id)).map(({ reason }) => reason)).toEqual(['first', 'retry', 'retry']);
  });

  test('takes its chance from the one that is handed in', async () => {
    const { agent, left } = await withTask({ retryCount: 1, retry: rule() }, 0.5);
    await agent.claim();
    await agent.finish({ exitCode: 1 });
    expect(await left()).toBe(45_000);
  });

  test('waits as long as its failure asks for, when that is longer', async () => {
    const { agent, clock, left, show } = await withTask({ retryCount: 2, retry: rule() });
    const fail = { kind: 'declared', status: 'FAILED', message: '429', errorCode: 'BUSY', autoFix: null };
    await agent.claim();
    await agent.say({ ...fail, seq: 1, retryAfterMs: 90_000 });
    expect(await agent.finish({ exitCode: 1, controlSeq: 1 })).toMatchObject({ willRetry: true });
    expect([await left(), (await show()).errorCode]).toEqual([90_000, 'BUSY']);
    clock.advance(90_000);
    await agent.claim();
    // what a run asked for is not for the next one
    await agent.say({ ...fail, seq: 1 });
    expect(await agent.finish({ exitCode: 1, controlSeq: 1 })).toMatchObject({ willRetry: true });
    expect(await left()).toBe(60_000);
  });

  test('wakes an agent that waits when it falls due', async () => {
    const { agent, clock, show } = await withTask({ retryCount: 1, retry: rule({ backoff: 'fixed' }) });
    await agent.claim();
    await agent.finish({ exitCode: 1 });
    let isOver = false;
    const claiming = agent.claim('later', 300_000).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      clock.advance(1000);
      // a look at the store, and a turn for whatever else waits
      await show();
      await new Promise(setImmediate);
    }
    expect((await claiming)?.attempt.number).toBe(2);
  });

  test('lets other tasks of its session pass while it waits', async () => {
    const { agent, addTask } = await withTask({ retryCount: 1, priority: 5, retry: rule() });
    await agent.claim();
    await agent.finish({ exitCode: 1 });
    const other = await addTask();
    expect((await agent.claim())?.task.id).toBe(other.id);
  });

  test.each([
    ['an exit code that is not listed', { exitCode: 2 }, { exitCodes: [75] }],
    ['an error that is never retried', { exitCode: 1, errorCode: 'BAD_INPUT' }, { neverOn: ['BAD_INPUT'] }],
    ['a refused run', { exitCode: null, reason: 'refused' }, {}],
    ['a cancelled run', { exitCode: null, reason: 'cancel' }, {}],
  ])('is run once when it ends with %s', async (_title, end, more) => {
    const { agent } = await withTask({ retryCount: 5, retry: rule(more) });
    await agent.claim();
    expect(await agent.finish(end)).toMatchObject({ willRetry: false });
  });

  test('counts lost runs apart, up to their own most', async () => {
    const lost = { exitCode: null, reason: 'agent_lost' };
    const { agent, clock, show } = await withTask({
      retryCount: 1,
      retry: rule({ lostRetries: 2, delayMs: 0 }),
    });
    const run = async (end: Record<string, unknown>) => {
      clock.advance(1);
      await agent.claim();
      return (await agent.finish(end)).willRetry;
    };
    expect(await run(lost)).toBe(true);
    expect(await show()).toMatchObject({ retriesUsed: 0 });
    expect(await run({ exitCode: 1 })).toBe(true);
    expect(await run(lost)).toBe(true);
    expect(await run(lost)).toBe(false);
    expect(await show()).toMatchObject({ status: 'FAILED', reason: 'agent_lost', retriesUsed: 1 });
  });

  test('is run again when its agent stays away for longer than its hold, and the old run is fenced off', async () => {
    const { agent, clock, parts, show, store, id } = await withTask({
      retry: rule({ lostRetries: 1, backoff: 'fixed', delayMs: 1000 }),
    });
    const hold = defaultTiming.leaseMs + defaultTiming.lostHoldMs;
    await agent.claim();
    clock.advance(hold - 1);
    await sweep(parts);
    expect(await show()).toMatchObject({ status: 'LOST' });
    clock.advance(1);
    await sweep(parts);
    expect(await show()).toMatchObject({ status: 'PENDING', retriesUsed: 0, notBefore: clock.now() + 1000 });
    await expect(agent.finish()).rejects.toMatchObject(coded('ATTEMPT_SUPERSEDED'));
    clock.advance(1000);
    expect((await agent.claim())?.attempt).toMatchObject({ number: 2, reason: 'retry' });
    clock.advance(hold + 1);
    await sweep(parts);
    expect(await show()).toMatchObject({ status: 'LOST', attempt: 2 });
    expect(await store.attempts(id)).toMatchObject([
      { state: 'superseded', endReason: 'lost_lease' },
      { state: 'lost' },
    ]);
  });

  test('runs no longer than its deadline allows, each run and all together', async () => {
    const { agent, clock, show } = await withTask({
      retryCount: 9,
      timeoutMs: 40_000,
      retry: rule({ backoff: 'fixed', delayMs: 50_000, deadlineMs: 100_000 }),
    });
    expect((await agent.claim())?.task.timeoutMs).toBe(40_000);
    await agent.finish({ exitCode: 1 });
    clock.advance(70_000);
    // 1 ms passed when it was made
    expect((await agent.claim())?.task.timeoutMs).toBe(29_999);
    expect((await show()).timeoutMs).toBe(40_000);
    expect(await agent.finish({ exitCode: 1 })).toMatchObject({ willRetry: false });
  });

  test('ends when its deadline passes in the queue; a person may still have it tried again', async () => {
    const { agent, clock, show, parts, id } = await withTask({ retry: rule({ deadlineMs: 1000 }) });
    clock.advance(1000);
    expect(await agent.claim()).toBeNull();
    expect(await show()).toMatchObject({
      status: 'FAILED',
      reason: 'timeout',
      errorCode: 'DEADLINE',
      attempt: 0,
    });
    await retryTask(parts, { caller, taskId: id });
    expect((await agent.claim())?.task.id).toBe(id);
  });

  test('is claimed at once when a person asks for it', async () => {
    const { agent, clock, parts, id } = await withTask({ retryCount: 0, retry: rule() });
    await agent.claim();
    await agent.finish({ exitCode: 1 });
    clock.advance(1);
    await retryTask(parts, { caller, taskId: id });
    expect((await agent.claim())?.attempt.reason).toBe('manual_retry');
  });
});
