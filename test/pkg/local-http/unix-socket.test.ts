import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askSocket } from '../../../pkg/local-http/ask-socket.ts';
import type { LocalRoutes } from '../../../pkg/local-http/local-http.ts';
import {
  fitsSocket,
  maxSocketPathBytes,
  SocketTakenError,
  serveOnSocket,
} from '../../../pkg/local-http/unix-socket.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const routes: LocalRoutes = {
  routes: [
    { method: 'GET', path: '/who', answer: () => ({ status: 200, json: { who: 'first' } }) },
    { method: 'POST', path: '/echo', answer: (body) => ({ status: 200, json: body }) },
  ],
  maxBodyBytes: 1000,
  onFault: () => {},
};
const second: LocalRoutes = {
  ...routes,
  routes: [{ method: 'GET', path: '/who', answer: () => ({ status: 200, json: { who: 'second' } }) }],
};
const who = (path: string) => askSocket(path, { path: '/who', timeoutMs: 5000 });

describe('a socket in the file system', () => {
  test('answers without a token, is open to its user alone, and is gone when it is closed', async () => {
    const path = join(directory, 'a.sock');
    const socket = await serveOnSocket(path, routes);
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect(await who(path)).toEqual({ status: 200, text: '{"who":"first"}' });
    const echo = await askSocket(path, { path: '/echo', body: { a: 1 }, timeoutMs: 5000 });
    expect(echo.text).toBe('{"a":1}');
    await socket.close();
    expect(existsSync(path)).toBe(false);
    await expect(who(path)).rejects.toThrow();
  });

  test('is taken from a program that died, and never from one that lives', async () => {
    const path = join(directory, 'a.sock');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listens'))`;
    const other = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(other.stdout, 'data');
    await expect(serveOnSocket(path, second)).rejects.toBeInstanceOf(SocketTakenError);
    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(existsSync(path)).toBe(true);
    const socket = await serveOnSocket(path, second);
    expect((await who(path)).text).toBe('{"who":"second"}');
    await socket.close();
  });

  test('does not replace a file that is no socket', async () => {
    const path = join(directory, 'a.sock');
    writeFileSync(path, 'precious');
    await expect(serveOnSocket(path, routes)).rejects.toBeInstanceOf(SocketTakenError);
    expect(lstatSync(path).size).toBe(8);
  });

  test('has a path of at most 107 bytes', async () => {
    const longest = join(directory, 'é'.repeat(100)).slice(0, maxSocketPathBytes);
    const path = Buffer.from(longest)
      .subarray(0, maxSocketPathBytes)
      .toString()
      .replace(/\uFFFD$/, 'x');
    expect([fitsSocket(path), fitsSocket(`${path}x`)]).toEqual([true, Buffer.byteLength(path) < 107]);
    const exact = join(directory, 'x'.repeat(maxSocketPathBytes - directory.length - 1));
    const socket = await serveOnSocket(exact, routes);
    expect((await who(exact)).status).toBe(200);
    expect(existsSync(exact)).toBe(true);
    await socket.close();
    await expect(serveOnSocket(`${exact}x`, routes)).rejects.toBeInstanceOf(RangeError);
  });
});
