import { expect, test } from 'vitest';
import { streamState } from '../../../internal/session/append-stream.ts';
import { rawLog } from '../../../internal/session/raw-log.ts';
import { caller, coded, makeWorld, streams, textOf, type World } from './claims-world.ts';

async function running(world: World) {
  const task = await world.addTask();
  const agent = world.agent();
  await agent.claim();
  return { task, agent };
}

const audits = async (world: World, action: string) =>
  (await world.store.audit({ limit: 100, offset: 0 })).filter((each) => each.action === action);

test('a stream of the right size with other bytes is emptied once, and complete when it was sent anew', async () => {
  const world = await makeWorld();
  const { task, agent } = await running(world);
  await agent.write('stdout', 0, 'abXdef');
  await agent.write('stderr', 0, 'good');
  const said = { streams: streams({ stdout: 'abcdef', stderr: 'good' }) };
  await expect(agent.finish(said)).rejects.toMatchObject({
    ...coded('ATTEMPT_UNFINISHED'),
    message: expect.stringContaining('stdout not as sent'),
  });
  expect(await streamState(world.parts, { ...agent.ref, stream: 'stdout' })).toMatchObject({
    size: 0,
    crc32: 0,
  });
  expect(await streamState(world.parts, { ...agent.ref, stream: 'stderr' })).toMatchObject({ size: 4 });
  expect(await audits(world, 'stream.resend')).toMatchObject([
    { taskId: task.id, details: { stream: 'stdout', size: 6, saidSize: 6 } },
  ]);
  // said again before anything was sent, it empties nothing: now bytes are missing
  await expect(agent.finish(said)).rejects.toMatchObject(coded('ATTEMPT_UNFINISHED'));
  await agent.write('stdout', 0, 'abc');
  await agent.write('stdout', 3, 'def');
  expect(await agent.finish(said)).toMatchObject({ status: 'COMPLETED' });
  expect(await world.show(task.id)).toMatchObject({ status: 'COMPLETED', logComplete: true });
  expect(await textOf(await rawLog(world.parts, caller, { taskId: task.id, stream: 'stdout' }))).toBe(
    'abcdef',
  );
  expect(await audits(world, 'stream.resend')).toHaveLength(1);
});

test('a stream that is longer here than at its agent is emptied too', async () => {
  const world = await makeWorld();
  const { agent } = await running(world);
  await agent.write('stdout', 0, 'abcdef');
  const said = { streams: streams({ stdout: 'abc' }) };
  await expect(agent.finish(said)).rejects.toMatchObject(coded('ATTEMPT_UNFINISHED'));
  await agent.write('stdout', 0, 'abc');
  expect(await agent.finish(said)).toMatchObject({ status: 'COMPLETED' });
});

test('a stream that lacks bytes is never emptied', async () => {
  const world = await makeWorld();
  const { agent } = await running(world);
  await agent.write('stdout', 0, 'abX');
  await expect(agent.finish({ streams: streams({ stdout: 'abcdef' }) })).rejects.toMatchObject(
    coded('ATTEMPT_UNFINISHED'),
  );
  expect(await streamState(world.parts, { ...agent.ref, stream: 'stdout' })).toMatchObject({ size: 3 });
  expect(await audits(world, 'stream.resend')).toEqual([]);
});

test('a stream that differs again after it was sent anew ends the attempt with a log that is not complete', async () => {
  const world = await makeWorld();
  const { task, agent } = await running(world);
  await agent.write('stdout', 0, 'abX');
  const said = { exitCode: 3, streams: streams({ stdout: 'abc' }) };
  await expect(agent.finish(said)).rejects.toMatchObject(coded('ATTEMPT_UNFINISHED'));
  await agent.write('stdout', 0, 'abY');
  expect(await agent.finish(said)).toMatchObject({ status: 'FAILED' });
  expect(await world.show(task.id)).toMatchObject({ status: 'FAILED', exitCode: 3, logComplete: false });
  expect(await audits(world, 'stream.mismatch')).toMatchObject([{ taskId: task.id }]);
  expect(await audits(world, 'stream.resend')).toHaveLength(1);
});

test('a replaced attempt empties nothing', async () => {
  const world = await makeWorld();
  const { task, agent } = await running(world);
  await agent.write('stdout', 0, 'abX');
  await world.store.transact(async (tx) => {
    const attempt = await tx.attempt(task.id, 1);
    await tx.putAttempt({ ...attempt!, state: 'superseded' });
  });
  await expect(agent.finish({ streams: streams({ stdout: 'abc' }) })).rejects.toMatchObject(
    coded('ATTEMPT_SUPERSEDED'),
  );
  expect((await world.store.attempt(task.id, 1))?.streams.stdout.size).toBe(3);
});
