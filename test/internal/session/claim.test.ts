import { describe, expect, test } from 'vitest';
import { defaultTiming } from '../../../internal/domain/attempt.ts';
import { cancelTask } from '../../../internal/session/cancel.ts';
import { claim } from '../../../internal/session/claim.ts';
import { requestInput } from '../../../internal/session/input.ts';
import { retryTask } from '../../../internal/session/retry.ts';
import { startSweep, sweep } from '../../../internal/session/sweep.ts';
import { hashToken } from '../../../internal/session/tokens.ts';
import { caller, coded, makeWorld, never, sessionId } from './claims-world.ts';

describe('claim', () => {
  test('gives the task of the highest priority first, then the oldest', async () => {
    const world = await makeWorld();
    const [first, , urgent] = [
      await world.addTask(),
      await world.addTask(),
      await world.addTask({ priority: 5 }),
    ];
    const agent = world.agent();
    expect((await agent.claim())?.task.id).toBe(urgent.id);
    await agent.finish();
    const claimed = await agent.claim();
    expect(claimed?.task).toMatchObject({ id: first.id, status: 'PROCESSING', attempt: 1, progress: 0 });
    expect(claimed?.attempt).toMatchObject({ number: 1, reason: 'first', state: 'claimed' });
  });

  test('that comes to nothing names the attempt of another agent that has the slot, be it lost', async () => {
    const world = await makeWorld();
    const task = await world.addTask();
    await world.addTask();
    const agent = world.agent();
    await agent.claim();
    const look = async (agentId: string) => {
      const request = { agentId, claimId: 'look', waitMs: 0 };
      const { claim: claimed, holder } = await claim(world.parts, {
        caller,
        sessionId,
        request,
        signal: never,
      });
      expect(claimed).toBeNull();
      return holder;
    };
    const held = { taskId: task.id, number: 1, agentId: 'agent-1' };
    expect(await look('agent-2')).toMatchObject(held);
    await agent.say({ kind: 'started', seq: 1 });
    expect(await look('agent-1')).toBeNull();
    world.clock.advance(46_000);
    await sweep(world.parts);
    expect(await look('agent-2')).toMatchObject({ ...held, state: 'lost' });
  });

  test('two agents that claim at once get one task between them, and never two tasks of one session', async () => {
    const world = await makeWorld();
    await world.addTask();
    await world.addTask();
    const claims = await Promise.all([world.agent('a').claim(), world.agent('b').claim()]);
    expect(claims.filter((each) => each !== null)).toHaveLength(1);
    expect(await world.store.openAttempts(sessionId)).toHaveLength(1);
  });

  test('the same claim again gives the same attempt with a fresh token', async () => {
    const world = await makeWorld();
    await world.addTask();
    const agent = world.agent();
    const one = await agent.claim('wish');
    const two = await agent.claim('wish');
    expect(two?.attempt.number).toBe(1);
    expect(two?.token).not.toBe(one?.token);
    expect(await world.store.tokenByHash(hashToken(two?.token ?? ''))).toMatchObject({
      scope: 'task',
      attempt: 1,
    });
  });

  test('an agent that asks anew for what it never began gets the next attempt of the same task', async () => {
    const world = await makeWorld();
    const task = await world.addTask();
    const agent = world.agent();
    await agent.claim();
    const before = agent.ref;
    const again = await agent.claim();
    expect(again?.attempt).toMatchObject({ taskId: task.id, number: 2, reason: 'never_started' });
    expect((await world.store.attempt(task.id, 1))?.state).toBe('superseded');
    agent.claimed = again;
    await agent.say({ kind: 'started', seq: 1 });
    expect(await agent.claim()).toBeNull();
    await expect(
      (async () => {
        const old = world.agent();
        old.claimed = {
          ...(again as NonNullable<typeof again>),
          attempt: { ...again!.attempt, number: before.number },
        };
        await old.write('stdout', 0, 'late');
      })(),
    ).rejects.toMatchObject(coded('ATTEMPT_SUPERSEDED'));
  });

  test('a long poll ends when a task is submitted', async () => {
    const world = await makeWorld();
    const waiting = world.agent().claim('w', 10_000);
    await new Promise((resolve) => setImmediate(resolve));
    const task = await world.addTask();
    expect((await waiting)?.task.id).toBe(task.id);
  });

  test('a long poll ends with nothing after its time, and when its signal is aborted', async () => {
    const world = await makeWorld();
    const waiting = world.agent().claim('w', 10_000);
    const settled = waiting.then(() => true);
    for (let done = false; !done; ) {
      world.clock.advance(5_000);
      done = await Promise.race([
        settled,
        new Promise<false>((resolve) => setImmediate(() => resolve(false))),
      ]);
    }
    expect(await waiting).toBeNull();
    const controller = new AbortController();
    const second = world.agent().claim('x', 10_000, controller.signal);
    controller.abort();
    expect(await second).toBeNull();
  });

  test('a closed session answers nothing at once', async () => {
    const world = await makeWorld();
    await world.addTask();
    const session = await world.store.session(sessionId);
    await world.store.transact((tx) => tx.putSession({ ...session!, status: 'COMPLETED' }));
    expect(await world.agent().claim('w', 10_000)).toBeNull();
  });

  test('a plain client that runs a task keeps agents away', async () => {
    const world = await makeWorld();
    const [task] = [await world.addTask(), await world.addTask()];
    await requestInput(world.parts, { caller, taskId: task.id, prompt: 'name?' });
    expect(await world.agent().claim()).toBeNull();
    await cancelTask(world.parts, { caller, taskId: task.id });
    expect(await world.show(task.id)).toMatchObject({ status: 'CANCELLED', logComplete: true });
    expect(await world.agent().claim()).not.toBeNull();
  });

  test('an agent is listed with its task, and as idle afterwards', async () => {
    const world = await makeWorld();
    const task = await world.addTask();
    const agent = world.agent();
    await agent.claim();
    expect(await world.store.agents()).toMatchObject([{ id: 'agent-1', taskId: task.id, hostname: 'h' }]);
    await agent.finish();
    expect(await world.store.agents()).toMatchObject([{ id: 'agent-1', taskId: null, hostname: 'h' }]);
  });
});

describe('a lease', () => {
  test('that runs out makes the task LOST, and the lost attempt keeps the slot until its hold is over', async () => {
    const world = await makeWorld();
    const task = await world.addTask();
    await world.addTask();
    const agent = world.agent();
    await agent.claim();
    await agent.say({ kind: 'started', seq: 1 });
    world.clock.advance(44_000);
    expect(await sweep(world.parts)).toBe(0);
    world.clock.advance(2_000);
    expect(await sweep(world.parts)).toBe(1);
    expect(await sweep(world.parts)).toBe(0);
    expect(await world.show(task.id)).toMatchObject({ status: 'LOST', reason: 'lost_lease' });
    const other = world.agent('agent-2');
    expect(await other.claim()).toBeNull();
    world.clock.advance(defaultTiming.lostHoldMs);
    expect(await other.claim()).not.toBeNull();
    const overlaps = (await world.parts.store.audit({ limit: 100, offset: 0 })).filter(
      ({ action }) => action === 'slot.possible_overlap',
    );
    expect(overlaps).toMatchObject([{ taskId: task.id, details: { attempt: 1, agentId: 'agent-1' } }]);
    expect(await agent.renew()).toMatchObject({ cancel: false });
    expect((await world.show(task.id)).status).toBe('LOST');
  });

  test.each([
    ['has it run anew', retryTask],
    ['cancels it', cancelTask],
  ])(
    'that was lost frees the slot when a person %s, and the possible overlap is told',
    async (_what, act) => {
      const world = await makeWorld();
      const task = await world.addTask();
      await world.addTask();
      const [agent, other] = [world.agent(), world.agent('agent-2')];
      await agent.claim();
      await agent.say({ kind: 'started', seq: 1 });
      world.clock.advance(46_000);
      await sweep(world.parts);
      expect(await other.claim()).toBeNull();
      await act(world.parts, { caller, taskId: task.id });
      expect(await other.claim()).not.toBeNull();
      await expect(agent.renew()).rejects.toMatchObject(coded('ATTEMPT_SUPERSEDED'));
      const overlaps = (await world.store.audit({ limit: 100, offset: 0 })).filter(
        ({ action }) => action === 'slot.possible_overlap',
      );
      expect(overlaps).toMatchObject([{ taskId: task.id, details: { attempt: 1, agentId: 'agent-1' } }]);
      expect(await world.store.logs(task.id, {})).toMatchObject([
        {
          level: 'WARN',
          source: 'keruta',
          message: expect.stringContaining('agent-1. Its script may still run'),
        },
      ]);
    },
  );

  test('that is renewed revives a lost attempt', async () => {
    const world = await makeWorld();
    const task = await world.addTask();
    const agent = world.agent();
    await agent.claim();
    world.clock.advance(46_000);
    await sweep(world.parts);
    await agent.renew();
    expect(await world.show(task.id)).toMatchObject({ status: 'PROCESSING', reason: null });
    world.clock.advance(40_000);
    expect(await sweep(world.parts)).toBe(0);
  });

  test('that was lost is brought back by the same claim too, and by the same agent that never began', async () => {
    const world = await makeWorld();
    await world.addTask();
    const agent = world.agent();
    await agent.claim('wish');
    world.clock.advance(46_000);
    await sweep(world.parts);
    expect((await agent.claim('wish'))?.task).toMatchObject({ status: 'PROCESSING', attempt: 1 });
    world.clock.advance(46_000);
    await sweep(world.parts);
    expect((await agent.claim('other'))?.attempt).toMatchObject({ number: 2, reason: 'never_started' });
    expect(await agent.claim('wish')).toBeNull();
  });

  test('holds through the boot grace, and the sweep runs until it is stopped', async () => {
    const world = await makeWorld();
    const task = await world.addTask();
    await world.agent().claim();
    const controller = new AbortController();
    const sweeping = startSweep(world.parts, controller.signal);
    const turn = async () => {
      for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
    };
    for (let passed = 0; passed < 58_000; passed += 5_000) {
      await turn();
      world.clock.advance(5_000);
    }
    await turn();
    for (let n = 0; n < 50 && (await world.show(task.id)).status !== 'LOST'; n++) {
      world.clock.advance(5_000);
      await turn();
    }
    expect((await world.show(task.id)).status).toBe('LOST');
    expect(world.clock.monotonicMs()).toBeGreaterThan(60_000);
    controller.abort();
    await sweeping.ended;
  });

  test('that runs out behind the reported end leaves that end alone', async () => {
    const world = await makeWorld();
    const task = await world.addTask();
    const agent = world.agent();
    await agent.claim();
    await agent.exited({ exitCode: 3 });
    world.clock.advance(46_000);
    expect(await sweep(world.parts)).toBe(1);
    expect(await world.show(task.id)).toMatchObject({ status: 'FAILED', exitCode: 3, logComplete: false });
    await world.addTask();
    expect(await world.agent('agent-2').claim()).not.toBeNull();
    expect(await agent.finish({ exitCode: 3 })).toMatchObject({ status: 'FAILED' });
    expect(await world.show(task.id)).toMatchObject({ status: 'FAILED', logComplete: true, late: false });
  });
});

describe('a late report', () => {
  test('turns LOST into the true end and says that it came late; again, it gives the same answer', async () => {
    const world = await makeWorld();
    const task = await world.addTask();
    const agent = world.agent();
    await agent.claim();
    world.clock.advance(46_000);
    await sweep(world.parts);
    await agent.write('stdout', 0, 'hi');
    await agent.exited();
    expect(await world.show(task.id)).toMatchObject({ status: 'COMPLETED', late: true, progress: 100 });
    const streams = (await world.store.attempt(task.id, 1))!.streams;
    const answer = await agent.finish({ streams });
    expect(await agent.finish({ streams })).toEqual(answer);
    expect(await world.show(task.id)).toMatchObject({ status: 'COMPLETED', late: true, logComplete: true });
  });

  test('is refused once a person retried the lost task', async () => {
    const world = await makeWorld();
    const task = await world.addTask();
    const agent = world.agent();
    await agent.claim('old');
    world.clock.advance(46_000);
    await sweep(world.parts);
    await retryTask(world.parts, { caller, taskId: task.id });
    await expect(agent.finish()).rejects.toMatchObject(coded('ATTEMPT_SUPERSEDED'));
    await expect(agent.renew()).rejects.toMatchObject(coded('ATTEMPT_SUPERSEDED'));
    const claimed = await world.agent('agent-2').claim();
    expect(claimed?.attempt).toMatchObject({ number: 2, reason: 'manual_retry' });
    expect(await agent.claim('old', 0, never)).toBeNull();
  });
});
