import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { maxTextBytes } from '../../../internal/api/limited.ts';
import { maxScriptBytes } from '../../../internal/domain/task.ts';
import { maxJsonBytes, maxStreamBytes } from '../../../internal/server/bodies.ts';
import { maxHeaderBytes, maxUrlBytes } from '../../../internal/server/limits.ts';
import { maxPieceBytes } from '../../../internal/server/routes/uploads.ts';
import { makeTask } from './claims-client.ts';
import { head, openRaw, parseRaw } from './raw-http.ts';
import { adminToken, startServer, type TestServer } from './start-server.ts';

let server: TestServer;
let own: Awaited<ReturnType<typeof makeTask>>;
beforeAll(async () => {
  server = await startServer();
  own = await makeTask(server);
});
afterAll(() => server.close());

/** A JSON text of exactly so many bytes. */
function jsonOf(fields: Record<string, unknown>, bytes: number): string {
  const bare = JSON.stringify({ ...fields, pad: '' }).length;
  return JSON.stringify({ ...fields, pad: 'x'.repeat(bytes - bare) });
}

/** Sends one request by hand. @returns status and code of its answer */
async function ask(text: string) {
  const raw = await openRaw(server);
  raw.socket.write(text);
  await expect.poll(() => parseRaw(raw.text()).status).toBeGreaterThan(0);
  raw.socket.destroy();
  return parseRaw(raw.text());
}

describe('S-49: at the limit and one over it', () => {
  test('a JSON body of 1 MiB', async () => {
    const fields = { level: 'INFO', message: 'm' };
    const path = `tasks/${own.task.id}/logs`;
    expect((await server.call('POST', path, jsonOf(fields, maxJsonBytes))).status).toBe(201);
    const over = await server.call('POST', path, jsonOf(fields, maxJsonBytes + 1));
    expect(over).toMatchObject({ status: 413, body: { error: { code: 'KERUTA_ERR_BODY_TOO_LARGE' } } });
    expect(maxJsonBytes).toBe(1024 * 1024);
  });

  test('a JSON body of unknown length over 1 MiB is cut off where the limit is', async () => {
    const raw = await openRaw(server);
    raw.socket.write(
      `${head('POST', `/api/v1/tasks/${own.task.id}/logs`, ['Transfer-Encoding: chunked'])}\r\n`,
    );
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    const before = process.memoryUsage.rss();
    let isClosed = false;
    void raw.closed.then(() => {
      isClosed = true;
    });
    // 256 MiB would come, if nobody stopped it
    for (let count = 0; count < 4_096 && !isClosed && parseRaw(raw.text()).status === 0; count++) {
      if (!raw.socket.write(chunk)) await new Promise((done) => setImmediate(done));
    }
    await expect.poll(() => parseRaw(raw.text()).status).toBe(413);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
    raw.socket.destroy();
  });

  test.each([
    ['declares', `Content-Length: ${20 * 1024 ** 2}`],
    ['does not declare', 'Transfer-Encoding: chunked'],
  ])('the refusal reaches a client that sends 20 MiB, which it %s, before it reads', async (_how, header) => {
    const path = join(import.meta.dirname, '../../fixtures/send-before-reading.ts');
    const request = `${head('POST', `/api/v1/tasks/${own.task.id}/logs`, [header])}\r\n`;
    // in a process of its own: in this one it would read while the server writes
    const child = spawn(process.execPath, ['--no-warnings', path, server.url, request], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    for await (const piece of child.stdout) said += piece;
    expect([said.slice(0, 12), said]).toEqual([
      'HTTP/1.1 413',
      expect.stringContaining('KERUTA_ERR_BODY_TOO_LARGE'),
    ]);
  });

  test('F-65: a JSON body that declares 1 GB is refused before it comes', async () => {
    const request = head('POST', '/api/v1/tasks', ['Content-Length: 1000000000']);
    expect(await ask(`${request}\r\n`)).toEqual({ status: 413, code: 'KERUTA_ERR_BODY_TOO_LARGE' });
  });

  test('a streamed body of 64 MiB, by what it declares', async () => {
    const path = `/api/v1/tasks/${own.task.id}/attempts/9/streams/stdout`;
    const of = (bytes: number) => head('PATCH', path, [`Content-Length: ${bytes}`, 'Upload-Offset: 0']);
    // at the limit the route itself is asked: there is no such attempt
    expect(await ask(`${of(maxStreamBytes)}\r\n`)).toMatchObject({ status: 404 });
    expect(await ask(`${of(maxStreamBytes + 1)}\r\n`)).toMatchObject({ status: 413 });
  });

  test('a piece of an artifact of 8 MiB, by what it declares and by what comes', async () => {
    const uploads = `tasks/${own.task.id}/artifacts/uploads`;
    const begin = async (path: string, size: number) => {
      const sha256 = createHash('sha256').update(Buffer.alloc(size)).digest('hex');
      const about = { path, size, sha256, contentType: 'text/plain', description: '', unstable: false };
      const { body } = await server.call('POST', uploads, { ...about, attempt: 0 });
      return `${uploads}/${body.uploadId}`;
    };
    const path = await begin('at', maxPieceBytes);
    const send = (bytes: number) => server.call('PATCH', path, Buffer.alloc(bytes), { 'upload-offset': '0' });
    expect(await send(maxPieceBytes + 1)).toMatchObject({
      status: 413,
      body: { error: { code: 'KERUTA_ERR_BODY_TOO_LARGE', details: { maxBytes: 8 * 1024 * 1024 } } },
    });
    expect((await send(maxPieceBytes)).status).toBe(201);
    const other = await begin('over', maxPieceBytes + 1);
    const raw = await openRaw(server);
    const headers = [
      'Transfer-Encoding: chunked',
      'Upload-Offset: 0',
      'Content-Type: application/octet-stream',
    ];
    raw.socket.write(`${head('PATCH', `/api/v1/${other}`, headers)}\r\n`);
    raw.socket.write(`${(maxPieceBytes + 1).toString(16)}\r\n`);
    raw.socket.write(Buffer.alloc(maxPieceBytes + 1));
    raw.socket.write('\r\n0\r\n\r\n');
    await expect.poll(() => parseRaw(raw.text()).status).toBe(413);
    raw.socket.destroy();
  });

  test('address and headers of 16 KiB, names and values together', async () => {
    const of = (bytes: number) => {
      const counted = ['/healthz', 'Host', 'x', 'Authorization', `Bearer ${adminToken}`, 'X-Pad'].join('');
      return `${head('GET', '/healthz', [`X-Pad: ${'x'.repeat(bytes - counted.length)}`])}\r\n`;
    };
    expect((await ask(of(maxHeaderBytes))).status).toBe(200);
    expect(await ask(of(maxHeaderBytes + 1))).toEqual({ status: 431, code: 'KERUTA_ERR_HEADERS_TOO_LARGE' });
  });

  test('F-65: 10,000 headers', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `x${index}: y`).join('\r\n');
    expect(await ask(`GET /healthz HTTP/1.1\r\nHost: x\r\n${many}\r\n\r\n`)).toMatchObject({ status: 431 });
  });

  test('an address of 8 KiB', async () => {
    const of = (bytes: number) => `/healthz?${'q'.repeat(bytes - '/healthz?'.length)}`;
    expect((await server.call('GET', of(maxUrlBytes))).status).toBe(200);
    expect(await server.call('GET', of(maxUrlBytes + 1))).toMatchObject({
      status: 414,
      body: { error: { code: 'KERUTA_ERR_URL_TOO_LONG', details: { maxBytes: 8_192 } } },
    });
    expect((await server.call('GET', `/nowhere/${'q'.repeat(9_000)}`)).status).toBe(414);
  });

  test('a script of 1 MiB', async () => {
    const of = (bytes: number) =>
      server.call('POST', 'tasks', { sessionId: own.session.id, name: 'n', script: '\n'.repeat(bytes) });
    expect((await of(maxScriptBytes)).status).toBe(201);
    expect(await of(maxScriptBytes + 1)).toMatchObject({
      status: 413,
      body: { error: { code: 'KERUTA_ERR_SCRIPT_TOO_LARGE', details: { maxBytes: 1024 * 1024 } } },
    });
  });

  test.each([
    ['POST', (id: string) => `tasks/${id}/logs`, (text: string) => ({ level: 'INFO', message: text })],
    [
      'PUT',
      (id: string) => `tasks/${id}/status`,
      (text: string) => ({ status: 'PROCESSING', message: text }),
    ],
    ['PATCH', (id: string) => `tasks/${id}/progress`, (text: string) => ({ progress: 1, message: text })],
    [
      'PUT',
      (id: string) => `tasks/${id}/status`,
      (text: string) => ({ status: 'PROCESSING', errorCode: text }),
    ],
    ['PUT', (id: string) => `tasks/${id}`, (text: string) => ({ description: text })],
    ['POST', (id: string) => `tasks/${id}/input-request`, (text: string) => ({ prompt: text })],
    ['POST', (id: string) => `tasks/${id}/auto-fix`, (text: string) => ({ errorMessage: text })],
  ])('a text of 64 KiB, counted in bytes: %s %#', async (method, path, body) => {
    const { task } = await makeTask(server);
    const send = (text: string) => server.call(method, path(task.id), body(text));
    expect((await send('é'.repeat(maxTextBytes / 2))).status).toBeLessThan(300);
    expect(await send(`${'é'.repeat(maxTextBytes / 2)}x`)).toMatchObject({
      status: 413,
      body: { error: { code: 'KERUTA_ERR_BODY_TOO_LARGE', message: expect.stringContaining('65536 bytes') } },
    });
  });

  test.each(['timeoutSeconds', 'noOutputTimeoutSeconds', 'inputTimeoutSeconds'])(
    'a %s of 30 years; one that no store can give back would make every list of tasks fail',
    async (name) => {
      const { session, add } = await makeTask(server);
      const of = (seconds: number) =>
        server.call('POST', 'tasks', { sessionId: session.id, name: 'n', script: 'true', [name]: seconds });
      expect((await of(1e9)).status).toBe(201);
      for (const seconds of [1e9 + 1, 2 ** 53, 1e308]) expect((await of(seconds)).status).toBe(400);
      await add();
      expect((await server.call('GET', `sessions/${session.id}/tasks`)).status).toBe(200);
    },
  );

  test('a batch of 5,000 lines', async () => {
    const of = (count: number) => ({ logs: Array(count).fill({ level: 'INFO', message: 'm' }) });
    const send = (count: number) => server.call('POST', `tasks/${own.task.id}/logs/batch`, of(count));
    expect((await send(5_000)).status).toBe(201);
    expect(await send(5_001)).toMatchObject({
      status: 413,
      body: { error: { message: expect.stringContaining('at most 5000 entries') } },
    });
  });

  test('a text of an agent that is longer is cut, since a refusal would stop its messages', async () => {
    const { task, claim } = await makeTask(server);
    const { attempt } = await claim();
    const at = '2026-01-01T00:00:00.000Z';
    const message = 'x'.repeat(maxTextBytes + 1);
    const answer = await server.call('POST', `tasks/${task.id}/attempts/${attempt.number}/messages`, {
      messages: [{ kind: 'progress', seq: 1, at, progress: 5, message }],
    });
    expect(answer.status).toBe(200);
    expect((await server.call('GET', `tasks/${task.id}`)).body.message).toHaveLength(maxTextBytes);
  });
});
