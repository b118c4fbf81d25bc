import { existsSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makePlace, pause, until } from './place.ts';

/** The agent in the background, and how it stops. */
const place = makePlace('background');
let session = '';
const pidFile = `${place.home}/.keruta/daemon.pid`;

beforeAll(async () => {
  await place.server();
  session = await place.session('background');
  place.env = { ...place.env, KERUTA_SESSION_ID: session, KERUTA_CANCEL_GRACE: '500ms' };
});
afterEach(async () => {
  await place.keruta(['daemon', 'stop', '--now']);
  await place.quiet(session);
});
afterAll(() => place.close());

/** What a script waits with for a file below the place's directory. */
const waitFor = (name: string) => `while [ ! -e ${place.path(name)} ]; do sleep 0.05; done`;
const start = () =>
  place.json<{ pid: number; ready: boolean; logFile: string }>('daemon', 'start', '--port', '0');

describe('keruta daemon', () => {
  test('start, status, logs and stop', async () => {
    expect(await place.keruta(['daemon', 'status'])).toMatchObject({ status: 4 });
    const started = await place.keruta(['daemon', 'start', '--port', '0']);
    expect(started).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/running: process \d+/),
    });
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    const status = await place.keruta(['daemon', 'status']);
    expect(status).toMatchObject({ status: 0, stdout: expect.stringContaining(String(pid)) });
    const id = await place.submit(session, 'echo in the background');
    expect(await place.ended(id)).toMatchObject({ status: 'COMPLETED' });
    const logs = await place.keruta(['daemon', 'logs', '-n', '50']);
    expect(logs).toMatchObject({ status: 0, stdout: expect.stringContaining(id) });
    expect(logs.stdout).not.toContain(place.env.KERUTA_API_TOKEN);
    const stopped = await place.keruta(['daemon', 'stop']);
    expect(stopped).toMatchObject({ status: 0, stdout: expect.stringContaining(`${pid}`) });
    expect(existsSync(pidFile)).toBe(false);
    expect(place.processes().map((process) => process.pid)).not.toContain(pid);
    expect(await place.keruta(['daemon', 'stop'])).toMatchObject({ status: 4 });
  });

  test('a second start is refused and names the first', async () => {
    const { pid } = await start();
    const again = await place.keruta(['daemon', 'start', '--port', '0']);
    expect(again).toMatchObject({ status: 5, stderr: expect.stringContaining(`pid ${pid}`) });
  });

  test('start says why when the agent ends at once', async () => {
    const words = ['daemon', 'start', '--port', '0', '--session-id', 'no-such-session'];
    const failed = await place.keruta(words);
    expect(failed).toMatchObject({ status: 6, stderr: expect.stringContaining('no-such-session') });
  });

  test('after kill -9 a start takes up the run that was left', async () => {
    const { pid } = await start();
    const id = await place.submit(session, `echo one; ${waitFor('go-two')}; echo two`);
    await until('it runs', async () => (await place.logs(id)) === 'one\n');
    process.kill(pid, 'SIGKILL');
    await start();
    place.file('go-two', '');
    expect(await place.whole(id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    expect(await place.logs(id)).toBe('one\ntwo\n');
  });

  test('stop waits for the task; after its time it cancels it', async () => {
    const { logFile } = await start();
    const kept = await place.submit(session, `echo up; ${waitFor('go-stop')}; echo end`);
    await until('it runs', async () => (await place.logs(kept)) === 'up\n');
    const drains = () => readFileSync(logFile, 'utf8').split('no further task').length;
    const before = drains();
    const stopping = place.keruta(['daemon', 'stop']);
    await until('it drains', () => drains() > before);
    place.file('go-stop', '');
    expect(await stopping).toMatchObject({ status: 0 });
    expect(await place.task(kept)).toMatchObject({ status: 'COMPLETED' });

    await start();
    const ended = await place.submit(session, 'echo up; sleep 60');
    await until('it runs', async () => (await place.logs(ended)) === 'up\n');
    expect(await place.keruta(['daemon', 'stop', '--timeout', '200ms'])).toMatchObject({ status: 0 });
    expect(await place.task(ended)).toMatchObject({ status: 'FAILED', reason: 'agent_stop' });
  });
});

describe('an agent in the foreground', () => {
  const up = async (script: string) => {
    const id = await place.submit(session, script);
    await until('it runs', async () => (await place.logs(id)).startsWith('up\n'));
    return id;
  };

  test('SIGTERM at any instant of its start ends it', async () => {
    const ends = [20, 60, 90, 120, 150, 180, 210, 250, 300, 400].map(async (afterMs) => {
      const words = ['daemon', '--port', '0', '--base-dir', place.path(`early ${afterMs}`)];
      const daemon = place.start(place.executable, words, { timeoutMs: 15_000 });
      await pause(afterMs);
      return daemon.stop();
    });
    for (const { status, signal } of await Promise.all(ends)) {
      expect(['0 null', 'null SIGTERM', '143 null', '130 null']).toContain(`${status} ${signal}`);
    }
  });

  test('SIGTERM lets the task end and takes no other', async () => {
    const daemon = await place.daemon(session);
    const id = await up(`echo up; ${waitFor('go-drain')}; echo end`);
    const next = await place.submit(session, 'echo next');
    daemon.child.kill('SIGTERM');
    await until('it drains', () => daemon.stderr().includes('no further task'));
    place.file('go-drain', '');
    expect(await daemon.ended).toMatchObject({ status: 0 });
    expect(await place.task(id)).toMatchObject({ status: 'COMPLETED' });
    expect(await place.logs(id)).toBe('up\nend\n');
    expect(await place.task(next)).toMatchObject({ status: 'PENDING' });
  });

  test('a third SIGTERM leaves the run as it is, and the next agent takes it up', async () => {
    const daemon = await place.daemon(session, ['--cancel-grace', '60s']);
    const id = await up(`trap "" TERM; echo up; ${waitFor('go-third')}; echo end`);
    for (const word of ['no further task', 'is cancelled', 'leaving']) {
      daemon.child.kill('SIGTERM');
      await until(`it says ${word}`, () => daemon.stderr().includes(word));
    }
    expect(await daemon.ended).toMatchObject({ status: 0 });
    expect(await place.task(id)).toMatchObject({ status: 'PROCESSING' });
    place.file('go-third', '');
    await place.daemon(session, ['--cancel-grace', '60s', '--once']);
    expect(await place.whole(id)).toMatchObject({ attempt: 1, reason: 'agent_stop' });
    expect(await place.logs(id, 'stdout')).toBe('up\nend\n');
  });

  test.each([
    ['--once ends it after one task', ['--once']],
    ['--exit-on-idle ends it when there is nothing to do', ['--exit-on-idle', '600ms']],
    ['--max-uptime ends it when the task has ended', ['--max-uptime', '5s']],
  ])('%s', async (_what, args) => {
    const id = await place.submit(session, 'echo ran');
    const daemon = await place.daemon(session, args, { timeoutMs: 40_000 });
    expect(await daemon.ended).toMatchObject({ status: 0, signal: null });
    expect(await place.task(id)).toMatchObject({ status: 'COMPLETED' });
  });

  test('a closed session ends it when its last task is done', async () => {
    const id = await place.session('to be closed');
    const daemon = await place.daemon(id, ['--base-dir', place.path('closed')]);
    const task = await place.submit(id, `${waitFor('go-close')}; echo end`);
    await place.when(task, ({ status }) => status === 'PROCESSING');
    await place.keruta(['session', 'close', id]);
    place.file('go-close', '');
    expect(await daemon.ended).toMatchObject({ status: 0 });
    expect(await place.task(task)).toMatchObject({ status: 'COMPLETED' });
  });
});
