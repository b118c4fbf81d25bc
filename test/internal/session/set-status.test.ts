import { describe, expect, test } from 'vitest';
import { systemCaller } from '../../../internal/session/parts.ts';
import { makePlainWorld } from './plain-world.ts';

describe('a plain client and a task that nobody runs', () => {
  test('a running status opens an attempt without a lease, which is no second one when said again', async () => {
    const { submit, say, attempt, parts } = await makePlainWorld();
    const task = await submit();
    const running = await say(task, { status: 'RUNNING' });
    expect(running).toMatchObject({ status: 'PROCESSING', attempt: 1, startedAt: expect.any(Number) });
    await say(task, { status: 'WAITING_FOR_INPUT' });
    await say(task, { status: 'IN_PROGRESS', progress: 30 });
    expect(await attempt(task)).toMatchObject({
      leaseUntil: null,
      reason: 'plain_client',
      agentId: '',
      state: 'claimed',
    });
    expect(await parts.store.attempts(task.id)).toHaveLength(1);
    expect(await parts.store.openAttempts(task.sessionId)).toHaveLength(1);
  });

  test('an end closes the attempt and frees the session', async () => {
    const { submit, say, attempt, parts } = await makePlainWorld();
    const task = await submit();
    await say(task, { status: 'PROCESSING' });
    const ended = await say(task, { status: 'FAILED', message: 'bad', errorCode: 'E1' });
    expect(ended).toMatchObject({
      status: 'FAILED',
      message: 'bad',
      errorCode: 'E1',
      progress: 0,
      reason: null,
    });
    expect(await attempt(task)).toMatchObject({
      state: 'finished',
      declared: { status: 'FAILED', message: 'bad', errorCode: 'E1', autoFix: null },
    });
    expect(await parts.store.openAttempts(task.sessionId)).toEqual([]);
  });

  test('an end without a beginning makes no attempt', async () => {
    const { submit, say, parts } = await makePlainWorld();
    const task = await submit();
    expect(await say(task, { status: 'canceled' })).toMatchObject({
      status: 'CANCELLED',
      reason: 'cancel',
      attempt: 0,
    });
    expect(await parts.store.attempts(task.id)).toEqual([]);
  });

  test('the same end again changes nothing', async () => {
    const { submit, say, clock, events } = await makePlainWorld();
    const task = await submit();
    const first = await say(task, { status: 'COMPLETED', message: 'one', progress: 90 });
    const told = await events();
    clock.advance(1_000);
    expect(await say(task, { status: 'COMPLETED', message: 'two' })).toEqual(first);
    expect(await events()).toEqual(told);
  });

  test('a change of status is told as status, more of the same as progress', async () => {
    const { submit, say, events } = await makePlainWorld();
    const task = await submit();
    await say(task, { status: 'PROCESSING' });
    await say(task, { status: 'PROCESSING', progress: 50 });
    await say(task, { status: 'COMPLETED', progress: 100 });
    expect((await events()).slice(-4)).toEqual(['status', 'status', 'progress', 'status']);
  });

  test('PENDING lets go of a task; RETRYING counts as a retry', async () => {
    const { submit, say, parts } = await makePlainWorld();
    const task = await submit();
    await say(task, { status: 'PROCESSING' });
    expect(await say(task, { status: 'QUEUED' })).toMatchObject({ status: 'PENDING', retriesUsed: 0 });
    await say(task, { status: 'PROCESSING' });
    expect(await say(task, { status: 'RETRYING' })).toMatchObject({
      status: 'PENDING',
      retriesUsed: 1,
      attempt: 2,
    });
    expect((await parts.store.attempts(task.id)).map((each) => each.state)).toEqual([
      'superseded',
      'superseded',
    ]);
  });

  test('a failed task goes back to PENDING, a completed one does not', async () => {
    const { submit, say } = await makePlainWorld();
    const failed = await submit();
    await say(failed, { status: 'FAILED' });
    expect(await say(failed, { status: 'PENDING' })).toMatchObject({ status: 'PENDING' });
    const completed = await submit();
    await say(completed, { status: 'COMPLETED' });
    await expect(say(completed, { status: 'PENDING' })).rejects.toMatchObject({
      code: 'KERUTA_ERR_TASK_ENDED',
    });
  });

  test('LOST is not for clients to say', async () => {
    const { submit, say } = await makePlainWorld();
    await expect(say(await submit(), { status: 'LOST' })).rejects.toMatchObject({
      code: 'KERUTA_ERR_BAD_STATUS',
    });
  });
});

describe('S-06: a plain client and a task that an agent runs', () => {
  test('a running status changes progress and message, not the status', async () => {
    const { submit, say, lease } = await makePlainWorld();
    const task = await lease(await submit());
    const told = await say(task, { status: 'WAITING_FOR_INPUT', progress: 40, message: 'half' });
    expect(told).toMatchObject({ status: 'PROCESSING', progress: 40, message: 'half' });
  });

  test('an end is what the script declares; the task goes on until its agent reports', async () => {
    const { submit, say, lease, attempt } = await makePlainWorld();
    const task = await lease(await submit());
    expect(await say(task, { status: 'COMPLETED', message: 'ok' })).toMatchObject({ status: 'PROCESSING' });
    expect(await attempt(task)).toMatchObject({
      state: 'claimed',
      declared: { status: 'COMPLETED', message: 'ok' },
    });
  });

  test('a failure that was declared stays one', async () => {
    const { submit, say, lease, attempt } = await makePlainWorld();
    const task = await lease(await submit());
    await say(task, { status: 'FAILED', message: 'bad', errorCode: 'E1' });
    await say(task, { status: 'COMPLETED', message: 'ok' });
    expect(await attempt(task)).toMatchObject({
      declared: { status: 'FAILED', message: 'bad', errorCode: 'E1' },
    });
  });

  test('CANCELLED asks for the end', async () => {
    const { submit, say, lease } = await makePlainWorld();
    const task = await lease(await submit());
    expect(await say(task, { status: 'CANCELLED' })).toMatchObject({
      status: 'PROCESSING',
      cancelRequested: true,
    });
    expect(await say(task, { status: 'CANCELLED' })).toMatchObject({ cancelRequested: true });
  });

  test('PENDING is refused', async () => {
    const { submit, say, lease } = await makePlainWorld();
    const task = await lease(await submit());
    await expect(say(task, { status: 'PENDING' })).rejects.toMatchObject({ code: 'KERUTA_ERR_TRANSITION' });
  });

  test('the token of a replaced run is refused, and that of the run cannot put it back', async () => {
    const { submit, say, lease } = await makePlainWorld();
    const task = await lease(await submit());
    const run = { ...systemCaller, scope: 'task', sessionId: task.sessionId, taskId: task.id } as const;
    const late = say(task, { status: 'PROCESSING' }, { ...run, attempt: 7 });
    await expect(late).rejects.toMatchObject({ code: 'KERUTA_ERR_ATTEMPT_SUPERSEDED' });
    const back = say(task, { status: 'PENDING' }, { ...run, attempt: 1 });
    await expect(back).rejects.toMatchObject({ code: 'KERUTA_ERR_FORBIDDEN' });
  });

  test('a LOST task is not set running again, but its script may still declare its end', async () => {
    const { submit, say, lease, attempt, parts } = await makePlainWorld();
    const task = await lease(await submit());
    const held = await attempt(task);
    await parts.store.transact(async (tx) => {
      await tx.putTask({ ...task, status: 'LOST' });
      if (held) await tx.putAttempt({ ...held, state: 'lost' });
    });
    await expect(say(task, { status: 'PROCESSING' })).rejects.toMatchObject({
      code: 'KERUTA_ERR_TRANSITION',
    });
    expect(await say(task, { status: 'COMPLETED' })).toMatchObject({ status: 'LOST' });
    expect(await attempt(task)).toMatchObject({ state: 'lost', declared: { status: 'COMPLETED' } });
  });
});
