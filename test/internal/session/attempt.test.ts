import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  appendStream,
  declareLost,
  streamKey,
  streamState,
} from '../../../internal/session/append-stream.ts';
import { autoFix } from '../../../internal/session/auto-fix.ts';
import { cancelTask } from '../../../internal/session/cancel.ts';
import { answerInput, listInputRequests, requestInput, takeInput } from '../../../internal/session/input.ts';
import { listAttempts, rawLog } from '../../../internal/session/raw-log.ts';
import { retryTask } from '../../../internal/session/retry.ts';
import { caller, coded, makeWorld, once, sessionId, streams, textOf, type World } from './claims-world.ts';

async function running(world: World, more: object = {}) {
  const task = await world.addTask(more);
  const agent = world.agent();
  await agent.claim();
  return { task, agent, ref: { caller, taskId: task.id } };
}

describe('control messages', () => {
  test('are applied in order, once each, however often they are sent', async () => {
    const world = await makeWorld();
    const { task, agent } = await running(world);
    const messages = [
      { kind: 'started', seq: 1, message: 'go' },
      { kind: 'log', seq: 2, level: 'warn', message: 'one' },
      { kind: 'progress', seq: 4, progress: 40 },
      { kind: 'log', seq: 9, level: 'LOUD', message: 'two', source: 'x', metadata: { a: 1 } },
    ];
    expect(await agent.say(...messages)).toBe(9);
    expect(await agent.say(...messages)).toBe(9);
    expect(await agent.say(messages[2]!, { kind: 'progress', seq: 12, progress: 30, message: 'back' })).toBe(
      12,
    );
    expect(await world.show(task.id)).toMatchObject({ progress: 30, message: 'back' });
    const logs = await world.store.logs(task.id, {});
    expect(logs.map((log) => [log.level, log.message, log.attempt]).sort()).toEqual([
      ['INFO', 'two', 1],
      ['WARN', 'one', 1],
    ]);
    expect((await world.store.attempt(task.id, 1))?.startedAt).toBe(Date.UTC(2026, 0, 1));
  });

  test('a declared failure is a floor, a success after it changes nothing', async () => {
    const world = await makeWorld();
    const { task, agent } = await running(world);
    const declared = { kind: 'declared', message: '', errorCode: '', autoFix: null };
    await agent.say({ ...declared, seq: 1, status: 'COMPLETED', message: 'fine' });
    await agent.say({ ...declared, seq: 2, status: 'FAILED', message: 'bad', errorCode: 'E1' });
    await agent.say({ ...declared, seq: 3, status: 'COMPLETED' });
    expect(await agent.finish({ controlSeq: 3 })).toMatchObject({ status: 'FAILED' });
    expect(await world.show(task.id)).toMatchObject({
      status: 'FAILED',
      message: 'bad',
      errorCode: 'E1',
      exitCode: 0,
    });
  });

  test('an answer goes out by renewal until it is delivered, and is emptied then', async () => {
    const world = await makeWorld();
    const { task, agent, ref } = await running(world);
    const ask = { kind: 'ask', how: 'stdin', prompt: 'name?', choices: [], secret: false };
    await agent.say({ ...ask, seq: 1, key: 'a' });
    expect((await world.show(task.id)).status).toBe('WAITING_FOR_INPUT');
    const waiting = agent.renew({ waitMs: 10_000 });
    await answerInput(world.parts, { ...ref, input: 'Bob', promptId: null });
    const { inputs } = await waiting;
    expect(inputs).toMatchObject([{ key: 'a', answer: 'Bob\n' }]);
    expect((await world.show(task.id)).status).toBe('PROCESSING');
    const id = inputs[0]!.id;
    expect((await answerInput(world.parts, { ...ref, input: 'Bob', promptId: id })).id).toBe(id);
    await expect(answerInput(world.parts, { ...ref, input: 'Eve', promptId: id })).rejects.toMatchObject(
      coded('NOT_WAITING'),
    );
    expect((await agent.renew()).inputs).toHaveLength(1);
    expect((await agent.renew({ deliveredInputs: [id, 'unknown'] })).inputs).toEqual([]);
    expect(await listInputRequests(world.parts, ref)).toMatchObject([{ state: 'delivered', answer: null }]);
    await expect(answerInput(world.parts, { ...ref, input: 'x', promptId: null })).rejects.toMatchObject(
      coded('NOT_WAITING'),
    );
  });

  test('a question can be withdrawn, takes only its choices, and is asked once per key', async () => {
    const world = await makeWorld();
    const { task, agent, ref } = await running(world);
    const ask = { kind: 'ask', how: 'ask', prompt: 'which?', choices: ['yes', 'no'], secret: true, key: 'k' };
    await agent.say({ ...ask, seq: 1 }, { ...ask, seq: 2 });
    expect(await listInputRequests(world.parts, ref)).toHaveLength(1);
    await expect(answerInput(world.parts, { ...ref, input: 'maybe', promptId: null })).rejects.toMatchObject(
      coded('BAD_VALUE'),
    );
    await agent.say({ kind: 'withdraw', seq: 3, key: 'k' }, { kind: 'withdraw', seq: 4, key: 'other' });
    expect((await world.show(task.id)).status).toBe('PROCESSING');
    await agent.say({ ...ask, seq: 5, key: 'k2' });
    await agent.exited();
    expect((await listInputRequests(world.parts, ref)).map((request) => request.state)).toEqual([
      'closed',
      'closed',
    ]);
  });
});

describe('streams', () => {
  test('take bytes at their end only, and tell the end otherwise', async () => {
    const world = await makeWorld();
    const { task, agent } = await running(world);
    expect(await agent.write('stdout', 0, 'hello ')).toBe(6);
    await expect(agent.write('stdout', 0, 'hello ')).rejects.toMatchObject({
      ...coded('OFFSET_MISMATCH'),
      details: { offset: 6 },
    });
    expect(await agent.write('stdout', 6, 'world')).toBe(11);
    const state = await streamState(world.parts, { ...agent.ref, stream: 'stdout' });
    expect(state).toEqual({ size: 11, crc32: crc32('hello world'), lostBytes: 0 });
    expect(
      await textOf(await rawLog(world.parts, caller, { taskId: task.id, stream: 'stdout', from: 6 })),
    ).toBe('world');
  });

  test('keep what arrived of a body that was cut', async () => {
    const world = await makeWorld();
    const { agent } = await running(world);
    async function* cut() {
      yield Buffer.from('half');
      throw new Error('the connection was cut');
    }
    const append = { ...agent.ref, stream: 'stderr' as const, offset: 0, bytes: cut() };
    await expect(appendStream(world.parts, append)).rejects.toThrow('cut');
    const state = await streamState(world.parts, { ...agent.ref, stream: 'stderr' });
    expect(state).toMatchObject({ size: 4, crc32: crc32('half') });
  });

  test('cut off bytes that were never acknowledged, and ask again for bytes that are gone', async () => {
    const world = await makeWorld();
    const { task, agent } = await running(world);
    const key = streamKey(task.id, 1, 'stdout');
    await agent.write('stdout', 0, 'abc');
    await world.blob.append(key, 3, Buffer.from('unknown'));
    expect(await agent.write('stdout', 3, 'def')).toBe(6);
    await world.blob.truncate(key, 2);
    await expect(agent.write('stdout', 6, 'g')).rejects.toMatchObject({ details: { offset: 2 } });
    await agent.write('stdout', 2, 'cdefg');
    expect(await streamState(world.parts, { ...agent.ref, stream: 'stdout' })).toMatchObject({
      size: 7,
      crc32: crc32('abcdefg'),
    });
  });

  test('count bytes that are declared lost, once', async () => {
    const world = await makeWorld();
    const { agent } = await running(world);
    await agent.write('stdout', 0, 'abc');
    const loss = { ...agent.ref, stream: 'stdout' as const, offset: 3, lostBytes: 10 };
    expect(await declareLost(world.parts, loss)).toBe(3);
    await declareLost(world.parts, loss);
    await agent.write('stdout', 3, 'd');
    await declareLost(world.parts, { ...loss, offset: 4, lostBytes: 5 });
    await expect(declareLost(world.parts, loss)).rejects.toMatchObject(coded('OFFSET_MISMATCH'));
    const state = await streamState(world.parts, { ...agent.ref, stream: 'stdout' });
    expect(state).toEqual({ size: 4, crc32: crc32('abcd'), lostBytes: 15 });
  });

  test('two appends at one offset: one wins, the other learns the end', async () => {
    const world = await makeWorld();
    const { agent } = await running(world);
    const ends = await Promise.allSettled([agent.write('stdout', 0, 'one'), agent.write('stdout', 0, 'two')]);
    expect(ends.map((end) => end.status)).toEqual(['fulfilled', 'rejected']);
  });

  test('give both streams back in the order in which they arrived, attempt after attempt, byte by byte', async () => {
    const world = await makeWorld();
    const { task, agent, ref } = await running(world, { retryCount: 1 });
    await agent.write('stdout', 0, 'o1 ');
    await agent.write('stdout', 3, 'o2 ');
    await agent.write('stderr', 0, 'e1 ');
    await agent.write('stdout', 6, 'o3 ');
    await agent.write('stderr', 3, Buffer.from([0xff, 0x00]));
    const raw = async (wish: object = {}) =>
      textOf(await rawLog(world.parts, caller, { taskId: task.id, ...wish }));
    expect(await raw()).toBe(`o1 o2 e1 o3 ${Buffer.from([0xff, 0]).toString()}`);
    expect(await raw({ from: 7 })).toBe(`1 o3 ${Buffer.from([0xff, 0]).toString()}`);
    const here = (await world.store.attempt(task.id, 1))!.streams;
    expect(await agent.finish({ exitCode: 1, streams: here })).toMatchObject({ willRetry: true });
    await agent.claim();
    await agent.write('stderr', 0, 'second');
    expect(await raw({ attempt: 1, stream: 'stdout' })).toBe('o1 o2 o3 ');
    expect(await raw({ stream: 'stdout' })).toBe('');
    expect((await raw()).endsWith('second')).toBe(true);
    expect(await listAttempts(world.parts, caller, ref.taskId)).toMatchObject([
      { number: 1, reason: 'first' },
      { number: 2, reason: 'retry' },
    ]);
    await expect(raw({ attempt: 7 })).rejects.toMatchObject(coded('ATTEMPT_NOT_FOUND'));
  });

  test('take a hundred megabytes in chunks, with the same checksum', async () => {
    const world = await makeWorld();
    const { task, agent } = await running(world);
    const chunk = Buffer.alloc(64 * 1024, 'keruta 0123456789\n');
    let crc = 0;
    async function* batch() {
      for (let n = 0; n < 160; n++) {
        crc = crc32(chunk, crc);
        yield chunk;
      }
    }
    for (let n = 0; n < 10; n++) {
      const offset = n * 160 * chunk.length;
      await appendStream(world.parts, { ...agent.ref, stream: 'stdout', offset, bytes: batch() });
    }
    const stdout = { size: 1600 * chunk.length, crc32: crc, lostBytes: 0 };
    expect(await agent.finish({ streams: { ...streams({}), stdout } })).toMatchObject({
      status: 'COMPLETED',
    });
    expect(await world.show(task.id)).toMatchObject({ logComplete: true });
  });

  test('of one attempt are written by nobody who holds the token of another', async () => {
    const world = await makeWorld();
    const { agent } = await running(world);
    const other = { ...caller, scope: 'task' as const, taskId: agent.ref.taskId, attempt: 2 };
    const append = { ...agent.ref, caller: other, stream: 'stdout' as const, offset: 0, bytes: once('x') };
    await expect(appendStream(world.parts, append)).rejects.toMatchObject(coded('FORBIDDEN'));
    await expect(appendStream(world.parts, { ...append, caller, number: 9 })).rejects.toMatchObject(
      coded('ATTEMPT_NOT_FOUND'),
    );
  });
});

describe('the end', () => {
  test('is visible at once, and complete only when every byte and message is here', async () => {
    const world = await makeWorld();
    const { task, agent } = await running(world);
    await agent.write('stdout', 0, 'abc');
    await agent.exited({ exitCode: 3 });
    await agent.exited({ exitCode: 3 });
    expect(await world.show(task.id)).toMatchObject({
      ...{ status: 'FAILED', exitCode: 3, logComplete: false, errorCode: 'SCRIPT_EXECUTION_ERROR' },
      message: 'the script ended with exit code 3',
    });
    const said = { exitCode: 3, controlSeq: 1, streams: streams({ stdout: 'abcdef' }) };
    await expect(
      agent.finish({ ...said, artifacts: [{ path: 'a', sha256: 'f'.repeat(64) }] }),
    ).rejects.toMatchObject({
      ...coded('ATTEMPT_UNFINISHED'),
      details: { controlSeq: 0, streams: { stdout: { size: 3 } }, missingArtifacts: [{ path: 'a' }] },
    });
    await agent.write('stdout', 3, 'def');
    await agent.say({ kind: 'log', seq: 1, level: 'INFO', message: 'last' });
    const usage = { durationMs: 1, cpuMs: null, peakMemoryBytes: 5 };
    const answer = { status: 'FAILED', fixTaskId: null, willRetry: false };
    expect(await agent.finish({ ...said, usage })).toEqual(answer);
    expect(await agent.finish({ ...said, usage })).toEqual(answer);
    await agent.exited({ exitCode: 3 });
    expect(await world.show(task.id)).toMatchObject({ status: 'FAILED', logComplete: true, usage });
    await expect(agent.write('stdout', 6, 'x')).rejects.toMatchObject(coded('ATTEMPT_SUPERSEDED'));
  });

  test('tries again while retries are left, and then begets one fix task', async () => {
    const world = await makeWorld();
    const { task, agent, ref } = await running(world, { retryCount: 1 });
    const fix = { script: 'repair', bundle: { lines: [1] }, fingerprint: 'f' };
    const answer = await agent.finish({ exitCode: 1, fix });
    expect(answer).toEqual({ status: 'FAILED', fixTaskId: null, willRetry: true });
    const first = agent.ref;
    expect(await world.show(task.id)).toMatchObject({ status: 'PENDING', retriesUsed: 1, exitCode: 1 });
    expect((await agent.claim())?.attempt).toMatchObject({ number: 2, reason: 'retry' });
    const second = agent.claimed;
    agent.claimed = { ...second!, attempt: { ...second!.attempt, number: first.number } };
    expect(await agent.finish({ exitCode: 1, fix })).toEqual(answer);
    agent.claimed = second;
    const last = await agent.finish({ exitCode: 1, fix });
    expect(last).toMatchObject({ status: 'FAILED', willRetry: false });
    expect(await agent.finish({ exitCode: 1, fix })).toEqual(last);
    const fixTask = await world.show(last.fixTaskId ?? '');
    expect(fixTask).toMatchObject({
      parentTaskId: task.id,
      script: 'repair',
      fixCount: 1,
      status: 'PENDING',
    });
    const again = await autoFix(world.parts, { ...ref, errorMessage: 'other words', errorCode: '' });
    expect(again).toMatchObject({ created: false, task: { id: fixTask.id } });
    expect(await world.store.countTasks({ sessionId })).toBe(2);
  });

  test('begets no fix task when the script or the task forbids it, or when it was not its fault', async () => {
    const world = await makeWorld();
    const fix = { script: null, bundle: null, fingerprint: null };
    const one = await running(world, { autoFix: false });
    expect(await one.agent.finish({ exitCode: 1, fix })).toMatchObject({ fixTaskId: null });
    const two = await running(world, { retryCount: 3 });
    expect(
      await two.agent.finish({ exitCode: null, reason: 'checkout', message: 'no such ref', fix }),
    ).toEqual({
      ...{ status: 'FAILED', fixTaskId: null, willRetry: false },
    });
    expect(await world.show(two.task.id)).toMatchObject({ message: 'no such ref', errorCode: 'CHECKOUT' });
    const three = await running(world);
    const declared = {
      kind: 'declared',
      seq: 1,
      status: 'FAILED',
      message: 'x',
      errorCode: '',
      autoFix: false,
    };
    await three.agent.say(declared);
    expect(await three.agent.finish({ exitCode: 1, controlSeq: 1, fix })).toMatchObject({ fixTaskId: null });
  });
});

describe('cancel', () => {
  test('of a waiting task is done at once, of a running one by its agent, of an ended one never', async () => {
    const world = await makeWorld();
    const { agent, ref } = await running(world);
    const other = await world.addTask();
    const pending = { caller, taskId: other.id };
    expect(await cancelTask(world.parts, pending)).toMatchObject({ status: 'CANCELLED', reason: 'cancel' });
    await expect(cancelTask(world.parts, pending)).rejects.toMatchObject(coded('TASK_ENDED'));
    const waiting = agent.renew({ waitMs: 10_000 });
    expect(await cancelTask(world.parts, ref)).toMatchObject({ status: 'PROCESSING', cancelRequested: true });
    expect(await cancelTask(world.parts, ref)).toMatchObject({ cancelRequested: true });
    expect(await waiting).toMatchObject({ cancel: true });
    expect(await agent.finish({ exitCode: null, signal: 'SIGTERM', reason: 'cancel' })).toMatchObject({
      status: 'CANCELLED',
    });
    const actions = (await world.store.audit({ limit: 50, offset: 0 })).map((entry) => entry.action);
    expect(actions.filter((action) => action === 'task.cancel')).toHaveLength(2);
  });

  test('of a lost task frees the session and refuses what its agent still sends', async () => {
    const world = await makeWorld();
    const { task, agent, ref } = await running(world);
    const { sweep } = await import('../../../internal/session/sweep.ts');
    await cancelTask(world.parts, ref);
    world.clock.advance(46_000);
    await sweep(world.parts);
    expect(await cancelTask(world.parts, ref)).toMatchObject({ status: 'CANCELLED', id: task.id });
    await expect(agent.finish()).rejects.toMatchObject(coded('ATTEMPT_SUPERSEDED'));
    await world.addTask();
    expect(await world.agent('agent-2').claim()).not.toBeNull();
  });
});

describe('retry', () => {
  test('puts ended tasks back, and no others', async () => {
    const world = await makeWorld();
    const { agent, ref } = await running(world);
    await expect(retryTask(world.parts, ref)).rejects.toMatchObject(coded('TRANSITION'));
    await agent.finish({ exitCode: 1 });
    expect(await retryTask(world.parts, ref)).toMatchObject({ status: 'PENDING', attempt: 1 });
    await expect(retryTask(world.parts, ref)).rejects.toMatchObject(coded('TRANSITION'));
    expect((await agent.claim())?.attempt).toMatchObject({ number: 2, reason: 'manual_retry' });
    await agent.finish();
    await expect(retryTask(world.parts, ref)).rejects.toMatchObject(coded('TRANSITION'));
  });

  test('between the end of the process and the last byte lets the old attempt finish without deciding', async () => {
    const world = await makeWorld();
    const { task, agent, ref } = await running(world, { retryCount: 5 });
    await agent.exited({ exitCode: 1 });
    await retryTask(world.parts, ref);
    expect(await world.agent('agent-2').claim()).toBeNull();
    await agent.write('stdout', 0, 'rest');
    const said = { exitCode: 1, streams: streams({ stdout: 'rest' }) };
    expect(await agent.finish(said)).toEqual({ status: 'FAILED', fixTaskId: null, willRetry: false });
    expect(await world.show(task.id)).toMatchObject({ status: 'PENDING', retriesUsed: 0 });
    expect((await world.agent('agent-2').claim())?.attempt).toMatchObject({
      number: 2,
      reason: 'manual_retry',
    });
  });

  test('is refused in a closed session', async () => {
    const world = await makeWorld();
    const { agent, ref } = await running(world, { retryCount: 1 });
    const session = await world.store.session(sessionId);
    await world.store.transact((tx) => tx.putSession({ ...session!, status: 'COMPLETED' }));
    const fix = { script: null, bundle: null, fingerprint: null };
    expect(await agent.finish({ exitCode: 1, fix })).toMatchObject({ willRetry: false, fixTaskId: null });
    await expect(retryTask(world.parts, ref)).rejects.toMatchObject(coded('SESSION_CLOSED'));
  });
});

describe('input of plain clients', () => {
  test('is given out once, ended by a newline', async () => {
    const world = await makeWorld();
    const task = await world.addTask();
    const ref = { caller, taskId: task.id };
    const asked = await requestInput(world.parts, { ...ref, prompt: 'name?' });
    expect((await requestInput(world.parts, { ...ref, prompt: 'name?' })).id).toBe(asked.id);
    expect((await world.show(task.id)).status).toBe('WAITING_FOR_INPUT');
    expect(await takeInput(world.parts, ref)).toBeNull();
    await answerInput(world.parts, { ...ref, input: 'Bob', promptId: asked.id });
    expect(await takeInput(world.parts, ref)).toBe('Bob\n');
    expect(await takeInput(world.parts, ref)).toBeNull();
    await cancelTask(world.parts, ref);
    await expect(requestInput(world.parts, { ...ref, prompt: 'x' })).rejects.toMatchObject(
      coded('TASK_ENDED'),
    );
  });
});
