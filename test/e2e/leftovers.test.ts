import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type RunningServer, type Started, until } from './place.ts';

/** Nothing that a task started is alive when the task has ended, and nothing of keruta when it was stopped. */
const place = makePlace('leftovers');
let server: RunningServer;
let daemon: Started;
let session = '';
const agent = place.path('agent');

beforeAll(async () => {
  mkdirSync(agent);
  server = await place.server();
  session = await place.session('leftovers');
  daemon = await place.daemon(session, ['--base-dir', agent, '--cancel-grace', '500ms'], {
    env: { ...place.env, KERUTA_CLEANUP_WINDOW: '2s' },
  });
});
afterAll(() => place.close());

/** Every `sleep` of this place: the programs that the scripts below start. */
const sleepers = () => place.processes().filter(({ command }) => /^(sleep|\S*\/sleep) /.test(command));

const scripts = {
  'a child in a session of its own': 'setsid sleep 101 & echo up; sleep 102',
  'a child that ignores SIGTERM':
    'bash -c "trap \\"\\" TERM; sleep 103 & wait; sleep 104" & echo up; sleep 105',
  'a background child that holds stdout': 'sleep 106 & echo up; sleep 107',
  'a child of a child whose parent is gone': 'bash -c "(sleep 108 &) ; exit" ; echo up; sleep 109',
  'a child with an emptied environment': 'setsid env -i /bin/sleep 110 & echo up; sleep 111',
  'a script that ignores SIGTERM itself': 'trap "" TERM; echo up; sleep 112; sleep 113',
};

describe('after a cancel', () => {
  test.each(Object.entries(scripts))('%s is gone', async (_what, script) => {
    const id = await place.submit(session, script);
    await until('it is up', async () => (await place.logs(id)) === 'up\n');
    await until('it sleeps', () => sleepers().length > 0);
    await place.api('POST', `/tasks/${id}/cancel`, {});
    expect(await place.whole(id)).toMatchObject({ status: 'CANCELLED', reason: 'cancel' });
    expect(sleepers()).toEqual([]);
  });
});

describe('after a script ended by itself', () => {
  test('a child that holds its stdout is ended, the task says so, and does not wait for it', async () => {
    const id = await place.submit(session, 'sleep 120 & echo done');
    expect(await place.whole(id)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    expect(sleepers()).toEqual([]);
    const lines = await place.api<{ level: string; message: string }[]>('GET', `/tasks/${id}/logs`);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'WARN', message: expect.stringContaining('1 process') }),
    );
    expect(await place.logs(id)).toBe('done\n');
  });

  test('what a child writes in its last moments still arrives', async () => {
    const ready = place.path('ready');
    const child = `trap "echo bye; exit" TERM; touch ${ready}; while :; do sleep 0.02; done`;
    const id = await place.submit(
      session,
      `(${child}) & while [ ! -e ${ready} ]; do sleep 0.02; done; echo done`,
    );
    expect(await place.whole(id)).toMatchObject({ status: 'COMPLETED' });
    expect(await place.logs(id, 'stdout')).toBe('done\nbye\n');
  });
});

test('run directories are cleared: a receipt of each run stays', async () => {
  // the end of a run is told before its directory is cleared
  await until('only receipts are left', async () => {
    const found = await place.bash(`cd ${agent}/runs && find . -type f | sed 's,.*/,,' | sort | uniq -c`);
    return /^\d+ receipt\.json$/.test(found.stdout.trim());
  });
});

test('when agent and server are stopped, no process of keruta is alive, and the servers’ files are whole', async () => {
  expect(await daemon.stop()).toMatchObject({ status: 0 });
  // what was made ready for the next run ends when it hears that the agent is gone
  await until(
    'only the server is alive',
    () => place.processes().every(({ pid }) => pid === server.pid),
    5_000,
  );
  expect(await server.stop()).toMatchObject({ status: 0 });
  expect(place.processes()).toEqual([]);
});

test('an agent that ends with its task cancelled leaves nothing alive', async () => {
  server = await place.server([], { port: server.port });
  daemon = await place.daemon(session, ['--base-dir', agent, '--cancel-grace', '500ms']);
  const id = await place.submit(session, 'setsid sleep 130 & echo up; sleep 131');
  await until('it is up', async () => (await place.logs(id)) === 'up\n');
  daemon.child.kill('SIGTERM');
  await until('it drains', () => daemon.stderr().includes('no further task is taken'));
  expect(await daemon.stop()).toMatchObject({ status: 0 });
  expect(await place.task(id)).toMatchObject({ status: 'FAILED', reason: 'agent_stop' });
  await server.stop();
  await until('nothing is alive', () => place.processes().length === 0, 5_000);
});
