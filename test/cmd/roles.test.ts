import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { removeForgotten, takeHandedToken, withoutToken } from '../../cmd/keruta/roles/hand-over.ts';
import { readPidFile, writePidFile } from '../../cmd/keruta/roles/pid-file.ts';
import { isLoopback } from '../../cmd/keruta/roles/start-server.ts';
import { readServerState, writeServerState } from '../../cmd/keruta/server-state.ts';
import { cli, temporaryDirectory } from './harness.ts';

test('a PID file holds the pid of this very process alone, and is removed by its owner only', () => {
  const file = join(temporaryDirectory(), 'a.pid');
  const remove = writePidFile(file, process.pid);
  expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
  expect(readPidFile(file)?.pid).toBe(process.pid);
  expect(() => writePidFile(file, process.ppid)).toThrow('which is running');
  remove();
  expect([existsSync(file), existsSync(`${file}.id`)]).toEqual([false, false]);
});

test.each([
  ['', ''],
  ['abc\n', 'abc 1 boot\n'],
  ['99999999\n', '99999999 1 boot\n'],
  [`${process.pid}\n`, `${process.pid} 1 other-boot\n`],
  [`${process.pid}\n`, `${process.ppid} 1 boot\n`],
  [`${process.pid}\n`, null],
])('a PID file with %j beside %j names nobody', (text, identity) => {
  const file = join(temporaryDirectory(), 'a.pid');
  writeFileSync(file, text);
  if (identity !== null) writeFileSync(`${file}.id`, identity);
  expect(readPidFile(file)).toBeNull();
});

test('a token leaves the environment through a file that is read once', () => {
  const directory = temporaryDirectory();
  const env = withoutToken(
    { KERUTA_API_TOKEN: 'krt_x', KERUTA_AUTH_TOKEN: 'krt_y', PATH: '/bin', NONE: undefined },
    directory,
  );
  expect(Object.keys(env).sort()).toEqual(['KERUTA_HANDOVER', 'PATH']);
  expect(JSON.stringify(env)).not.toContain('krt_');
  process.env.KERUTA_HANDOVER = env.KERUTA_HANDOVER;
  // the file system may have another clock, and the own one may have been set
  removeForgotten(directory, Date.now() + 86_400_000);
  expect(takeHandedToken()).toBe('krt_x');
  expect(takeHandedToken()).toBeNull();
  expect(readdirSync(directory)).toEqual([]);
});

test('a token that nobody came for does not stay', () => {
  const directory = temporaryDirectory();
  withoutToken({ KERUTA_API_TOKEN: 'krt_x' }, directory);
  writeFileSync(join(directory, 'another'), '');
  removeForgotten(directory, Date.now());
  expect(readdirSync(directory)).toHaveLength(2);
  removeForgotten(directory, Date.now() + 120_000);
  expect(readdirSync(directory)).toEqual(['another']);
});

test('a server that is gone is not found by its file', () => {
  const directory = temporaryDirectory();
  expect(readServerState(directory)).toBeNull();
  const remove = writeServerState(directory, 'http://127.0.0.1:1', process.pid);
  expect(readServerState(directory)?.url).toBe('http://127.0.0.1:1');
  remove();
  expect(readServerState(directory)).toBeNull();
  writeServerState(directory, 'http://127.0.0.1:1', 99_999_999);
  expect(readServerState(directory)).toBeNull();
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['127.example.org', false],
])('%s is reached from this machine only: %s', (host, is) => expect(isLoopback(host)).toBe(is));

test('daemon status and stop say that no agent runs', async () => {
  expect(await cli(['daemon', 'status'])).toMatchObject({ status: 4, out: 'no agent runs\n' });
  expect(JSON.parse((await cli(['daemon', 'status', '--json'])).out)).toMatchObject({
    running: false,
    pid: null,
  });
  expect((await cli(['daemon', 'stop'])).status).toBe(4);
  expect((await cli(['daemon', 'logs'])).status).toBe(4);
});

test('daemon logs shows the end, and follows through a rotation', async () => {
  const home = temporaryDirectory();
  mkdirSync(join(home, '.keruta/logs'), { recursive: true });
  const file = join(home, '.keruta/logs/daemon.log');
  writeFileSync(file, 'one\ntwo\nthree\n');
  expect((await cli(['daemon', 'logs', '-n', '2'], { home })).out).toBe('two\nthree\n');

  let stop: (name: 'SIGINT') => void = () => {};
  const { out } = await cli(['daemon', 'logs', '-f', '-n', '1'], {
    home,
    onReady: (play) => (stop = play),
    onOutput: (text) => {
      if (text === 'three\n') appendFileSync(file, 'four\n');
      if (text === 'four\n') {
        renameSync(file, `${file}.1`);
        writeFileSync(file, 'five\n');
      }
      if (text === 'five\n') stop('SIGINT');
    },
  });
  expect(out).toBe('three\nfour\nfive\n');
});

test('a server in a process of its own tells its address, and ends on SIGTERM with 0', async () => {
  const home = temporaryDirectory();
  const main = resolve(import.meta.dirname, '../../cmd/keruta/main.ts');
  const child = spawn(process.execPath, [main, 'server', '--port', '0', '--json'], {
    env: { HOME: home, PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [chunk] = await once(child.stdout, 'data');
  const { url } = JSON.parse(String(chunk)) as { url: string };
  expect((await cli(['session', 'create', 's'], { home })).status).toBe(0);
  expect((await cli(['config', 'show'], { home })).status).toBe(0);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(existsSync(join(home, '.keruta/server/server.json'))).toBe(false);
});
