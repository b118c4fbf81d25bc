import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Place } from './agent-under-test.ts';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

interface Question {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** without the token */
  readonly bare?: boolean;
  /** default: 127.0.0.1 */
  readonly host?: string;
}

let place: Place;
let token: string;
let port: number;

beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

async function open(acceptInput = false, host = 'localhost', allowRemote = false): Promise<void> {
  place.start({ localApi: { host, port: 0, allowRemote, acceptInput } });
  await expect.poll(() => place.source.calls.length).toBeGreaterThan(0);
  const base = join(place.root, 'base');
  const state = JSON.parse(readFileSync(join(base, 'agent.json'), 'utf8'));
  port = state.port;
  token = readFileSync(state.localTokenFile, 'utf8');
}

function ask(path: string, options: Question = {}): Promise<Answer> {
  const headers = { ...(options.bare ? {} : { authorization: `Bearer ${token}` }), ...options.headers };
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        host: options.host ?? '127.0.0.1',
        path,
        method: options.method ?? 'GET',
        headers,
        agent: false,
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

/** Its status in the end: where reads of files are held up, an agent is unhealthy for a moment. */
const statusOf = (path: string, options: Question = {}) =>
  expect.poll(async () => (await ask(path, options)).status);

const json = { 'content-type': 'application/json' };
const get = { method: 'GET' };
const post = { method: 'POST', headers: json, body: '{"taskId":"t","input":"x"}' };

/** Every route, one that is not there, and methods that are not taken. */
const everything: readonly (readonly [string, Question])[] = [
  ['/health', get],
  ['/health', { method: 'HEAD' }],
  ['/health', post],
  ['/status', get],
  ['/metrics', get],
  ['/input', post],
  ['/input', get],
  ['/input', { method: 'OPTIONS' }],
  ['/status', { method: 'OPTIONS' }],
  ['/nothing', get],
];
const withHeader = (question: Question, name: string, value: string): Question => ({
  ...question,
  headers: { ...question.headers, [name]: value },
});

describe('the local API', () => {
  test('S-08: listens on a loopback address alone unless more is allowed, and refuses other hosts', async () => {
    await open();
    const listening = readFileSync('/proc/net/tcp', 'utf8');
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    expect(listening).toContain(` 0100007F:${hex} 00000000:0000 0A`);
    expect(listening).not.toContain(` 00000000:${hex} `);
    const local = { port: 0, allowRemote: false, acceptInput: false };
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org', '']) {
      await expect(place.once({ localApi: { ...local, host } }), host).rejects.toMatchObject({
        code: 'KERUTA_ERR_BAD_VALUE',
      });
    }
  });

  test('S-08: a host that was allowed is reached under its own address, and under no name', async () => {
    await open(false, '0.0.0.0', true);
    await statusOf('/health', { host: '127.0.0.2' }).toBe(200);
    const other = { host: '127.0.0.2', headers: { host: `127.0.0.3:${port}` } };
    expect((await ask('/health', other)).status).toBe(421);
    expect((await ask('/health', { headers: { host: 'my-machine.example' } })).status).toBe(421);
    expect((await ask('/status', { host: '127.0.0.2', bare: true })).status).toBe(401);
  });

  test('S-09: refuses requests for another host on every route, health included', async () => {
    await open(true);
    const foreign = [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example:80',
      'localhost:',
      'a b',
    ];
    for (const [path, question] of everything) {
      for (const host of foreign) {
        const answer = await ask(path, withHeader(question, 'host', host));
        expect([path, host, answer.status]).toEqual([path, host, 421]);
      }
    }
    for (const host of ['localhost', `127.0.0.1:${port}`, `[::1]:${port}`, 'LOCALHOST']) {
      await statusOf('/health', { headers: { host } }).toBe(200);
    }
  });

  test('S-09: a request without any host is refused', async () => {
    await open();
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('GET /health HTTP/1.0\r\n\r\n'));
      let said = '';
      socket.on('data', (chunk) => {
        said += chunk;
      });
      socket.on('end', () => resolve(said));
      socket.on('error', reject);
    });
    expect(text).toMatch(/^HTTP\/1\.1 421 /);
  });

  test('S-10: refuses what comes from a web page on every route, and never lets one read an answer', async () => {
    await open(true);
    const pages: readonly (readonly [string, string])[] = [
      ['origin', 'http://localhost'],
      ['origin', 'https://evil.example'],
      ['origin', 'null'],
      ['sec-fetch-site', 'cross-site'],
      ['sec-fetch-site', 'same-site'],
    ];
    for (const [path, question] of everything) {
      const plain = await ask(path, question);
      expect(Object.keys(plain.headers).filter((name) => /^access-control/.test(name))).toEqual([]);
      expect(plain.status).not.toBe(403);
      for (const [name, value] of pages) {
        const answer = await ask(path, withHeader(question, name, value));
        expect([path, name, value, answer.status]).toEqual([path, name, value, 403]);
        expect(Object.keys(answer.headers).filter((header) => /^access-control/.test(header))).toEqual([]);
      }
    }
    for (const site of ['none', 'same-origin']) {
      await statusOf('/health', { headers: { 'sec-fetch-site': site } }).toBe(200);
    }
  });

  test('S-11: answers health to everybody on this machine, and everything else to the holder of the token', async () => {
    await open(true);
    for (const [path, question] of everything) {
      if (path === '/health' && question.method !== 'POST') continue;
      const tokens = ['', 'Bearer ', 'Bearer wrong', `Bearer ${token}x`, `Basic ${token}`];
      const without = await ask(path, { ...question, bare: true });
      expect([path, question.method, without.status]).toEqual([path, question.method, 401]);
      for (const authorization of tokens) {
        const answer = await ask(
          path,
          withHeader({ ...question, bare: true }, 'authorization', authorization),
        );
        expect([path, authorization, answer.status]).toEqual([path, authorization, 401]);
      }
    }
    expect(JSON.parse((await ask('/status')).body)).toMatchObject({
      status: 'idle',
      tasks: { COMPLETED: 0 },
    });
    expect((await ask('/metrics')).body).toContain('keruta_agent_tasks_total{status="COMPLETED"} 0');
    expect((await ask('/nothing')).status).toBe(404);
    expect((await ask('/status', post)).status).toBe(405);
  });

  test('S-11: health names no ids, no paths and no versions', async () => {
    await open();
    const isHealthy = async () => JSON.parse((await ask('/health', { bare: true })).body).status;
    await expect.poll(isHealthy, { timeout: 40_000 }).toBe('healthy');
    const { status, body } = await ask('/health', { bare: true });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      status: 'healthy',
      reasons: [],
      files: { state: 'ok', tookMs: expect.any(Number) },
      eventLoop: { maxDelayMs: expect.any(Number) },
      api: 'ok',
      disk: { state: 'ok', freeBytes: expect.any(Number), floorBytes: 0 },
      timestamp: expect.any(String),
    });
    const full = JSON.parse((await ask('/status')).body);
    for (const secret of [place.root, place.source.session.id, full.agentId, token]) {
      expect(body).not.toContain(secret);
    }
  });

  test('S-12: takes changes as JSON only, and nothing changes by a GET', async () => {
    await open(true);
    const before = (await ask('/status')).body.replace(/"uptimeSeconds":\d+/, '');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', '']) {
      const answer = await ask('/input', withHeader(post, 'content-type', type));
      expect([type, answer.status]).toEqual([type, 415]);
    }
    expect((await ask('/input', { method: 'POST', body: post.body })).status).toBe(415);
    for (const path of ['/health', '/status', '/metrics']) {
      await statusOf(`${path}?taskId=t&input=x`).toBe(200);
    }
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      expect((await ask('/input', { method })).status, method).toBe(405);
    }
    expect((await ask('/status')).body.replace(/"uptimeSeconds":\d+/, '')).toBe(before);
  });

  test('S-13: has no input unless it was asked for', async () => {
    await open();
    expect((await ask('/input', post)).status).toBe(404);
  });

  test('S-13: hands an input to the question it is for, and refuses others', async () => {
    const task = place.source.add('printf "Name? "; read name; echo "hi $(printf %s "$name" | wc -c)"', {
      input: 'wait',
    });
    await open(true);
    const found = await place.source.until(() =>
      place.source.attempts[0]?.messages.find((message) => message.kind === 'ask'),
    );
    const key = found.kind === 'ask' ? found.key : '';
    const put = (body: unknown) => ask('/input', { ...post, body: JSON.stringify(body) });
    expect((await put({ taskId: task.id, promptId: 'other', input: 'x' })).status).toBe(409);
    expect((await put({ taskId: 'other', input: 'x' })).status).toBe(409);
    expect((await put({ input: 1 })).status).toBe(400);
    expect((await ask('/input', { ...post, body: '{' })).status).toBe(400);
    expect((await put({ taskId: task.id, promptId: key, input: 'x'.repeat(65_537) })).status).toBe(413);
    expect((await put({ taskId: task.id, promptId: key, input: 'é'.repeat(32_769) })).status).toBe(413);
    expect((await put({ taskId: task.id, input: 'x'.repeat(7 * 65_536) })).status).toBe(413);
    expect((await put({ taskId: task.id, promptId: key, input: 'x'.repeat(65_536) })).status).toBe(200);
    const attempt = place.source.attemptOf(task);
    await place.source.until(() => attempt.report);
    expect(Buffer.concat(attempt.streams.stdout).toString()).toBe('Name? hi 65536\n');
    expect(attempt.messages.map((message) => message.kind)).toEqual(['ask', 'withdraw']);
  });

  test('S-13: takes ten inputs a minute, over all doors together', async () => {
    await open(true);
    const statuses: number[] = [];
    for (let count = 0; count < 12; count++) statuses.push((await ask('/input', post)).status);
    expect(statuses).toEqual([...Array(10).fill(409), 429, 429]);
  });

  test('F-116: takes no other port than the one that was asked for, and any when none was', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const busy = (taken.address() as AddressInfo).port;
    const local = { host: 'localhost', port: busy, allowRemote: false, acceptInput: false };
    await expect(place.once({ localApi: local })).rejects.toMatchObject({ code: 'KERUTA_ERR_PORT_TAKEN' });
    taken.close();
    const usual = createServer();
    const isOurs = await new Promise<boolean>((resolve) => {
      usual.once('error', () => resolve(false));
      usual.listen(8080, '127.0.0.1', () => resolve(true));
    });
    const task = place.source.add('true');
    place.start({ localApi: { ...local, port: null } });
    await place.source.until(() => place.source.attempts[0]?.report);
    expect(place.source.attemptOf(task).report?.exitCode).toBe(0);
    const state = JSON.parse(readFileSync(join(place.root, 'base/agent.json'), 'utf8'));
    // whoever else has it may have let it go meanwhile
    expect(state.port).toBeGreaterThan(isOurs ? 8080 : 8079);
    expect(state.url).toBe(`http://127.0.0.1:${state.port}`);
    usual.close();
  });

  test('goes on with everything when somebody holds all connections that it takes', async () => {
    await open();
    const held = Array.from({ length: 100 }, () => connect({ port, host: '127.0.0.1' }));
    await Promise.all(
      held.map((socket) => {
        socket.on('error', () => {});
        return new Promise((resolve) => socket.once('connect', resolve));
      }),
    );
    const task = place.source.add('true');
    await place.source.until(() => place.source.attempts[0]?.report);
    expect(place.source.attemptOf(task).report?.exitCode).toBe(0);
    for (const socket of held) socket.destroy();
    await expect.poll(async () => (await ask('/health').catch(() => null))?.status).toBe(200);
  });
});
