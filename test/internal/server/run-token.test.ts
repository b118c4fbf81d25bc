import { expect, onTestFinished, test } from 'vitest';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { makeTask } from './claims-client.ts';
import { startServer } from './start-server.ts';

/** For how long the last words and files of a run may come behind its end. */
const graceMs = 600_000;

const report = {
  ...{ exitCode: 0, signal: null, reason: null, controlSeq: 0, artifacts: [], usage: null },
  ...{ startedAt: '2026-01-01T00:00:00.000Z', exitedAt: '2026-01-01T00:00:01.000Z' },
  streams: { stdout: { size: 0, crc32: 0 }, stderr: { size: 0, crc32: 0 } },
};

/** A run, what its token is good for at a time, and how it ends. */
async function run(more: object = {}) {
  const clock = new TestClock();
  const server = await startServer({ clock });
  onTestFinished(() => server.close());
  const { task, claim } = await makeTask(server, more);
  const { attempt } = await claim();
  const headers = { authorization: `Bearer ${attempt.token}` };
  const line = { level: 'INFO', message: 'm' };
  const say = async () => [
    (await server.call('POST', `tasks/${task.id}/logs`, line, headers)).status,
    (await server.call('GET', `tasks/${task.id}`, undefined, headers)).status,
  ];
  const finish = (n = 1, exitCode = 0) =>
    server.call('POST', `tasks/${task.id}/attempts/${n}/finish`, { ...report, exitCode });
  const lines = async () => (await server.call('GET', `tasks/${task.id}/logs/count`)).body.count;
  return { clock, server, claim, say, finish, lines };
}

test('S-03: the token of a run is good while it runs, for ten minutes behind its end, and then for nothing', async () => {
  const { clock, say, finish, lines } = await run();
  clock.advance(graceMs * 2);
  expect(await say()).toEqual([201, 200]);
  expect((await finish()).status).toBe(200);
  clock.advance(graceMs - 1);
  expect(await say()).toEqual([201, 200]);
  clock.advance(1);
  expect(await say()).toEqual([401, 401]);
  expect(await lines()).toBe(2);
});

test('S-03: a report that is repeated gives the token no more time', async () => {
  const { clock, say, finish } = await run();
  await finish();
  clock.advance(graceMs - 1);
  expect((await finish()).status).toBe(200);
  clock.advance(1);
  expect(await say()).toEqual([401, 401]);
});

test('S-03: the token of a run whose task is tried again ends with the next claim', async () => {
  const { clock, say, finish, claim } = await run({ retryCount: 1 });
  expect((await finish(1, 1)).body.willRetry).toBe(true);
  clock.advance(1_000);
  expect(await say()).toEqual([201, 200]);
  const { attempt } = await claim('again');
  expect(attempt.number).toBe(2);
  // as long as a server may believe what it read before
  clock.advance(5_000);
  expect(await say()).toEqual([401, 401]);
});
