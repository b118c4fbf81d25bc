import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Place } from './agent-under-test.ts';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

let place: Place;
let token: string;
let port: number;

beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

async function open(acceptInput = false): Promise<void> {
  place.start({ localApi: { host: 'localhost', port: 0, allowRemote: false, acceptInput } });
  await expect.poll(() => place.source.calls.length).toBeGreaterThan(0);
  const base = join(place.root, 'base');
  const state = JSON.parse(readFileSync(join(base, 'agent.json'), 'utf8'));
  port = state.port;
  token = readFileSync(state.localTokenFile, 'utf8');
}

function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; bare?: boolean } = {},
): Promise<Answer> {
  const headers = { ...(options.bare ? {} : { authorization: `Bearer ${token}` }), ...options.headers };
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', path, method: options.method ?? 'GET', headers },
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

const json = { 'content-type': 'application/json' };

describe('the local API', () => {
  test('answers health to everybody on this machine and everything else to the holder of the token', async () => {
    await open();
    const health = await ask('/health', { bare: true });
    expect(health.status).toBe(200);
    expect(JSON.parse(health.body)).toEqual({ status: 'ok', timestamp: expect.any(String) });
    for (const path of ['/status', '/metrics', '/input', '/nothing']) {
      expect((await ask(path, { bare: true })).status, path).toBe(401);
    }
    expect(JSON.parse((await ask('/status')).body)).toMatchObject({
      status: 'idle',
      tasks: { COMPLETED: 0 },
    });
    expect((await ask('/metrics')).body).toContain('keruta_agent_tasks_total{status="COMPLETED"} 0');
    expect((await ask('/nothing')).status).toBe(404);
    expect((await ask('/status', { method: 'POST', headers: json, body: '{}' })).status).toBe(405);
  });

  test('refuses requests that name another host or come from a web page, health included', async () => {
    await open();
    expect((await ask('/health', { headers: { host: 'evil.example' } })).status).toBe(421);
    const page = await ask('/status', { headers: { origin: 'http://localhost' } });
    expect(page.status).toBe(403);
    expect(Object.keys(page.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await ask('/health', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    expect((await ask('/health', { headers: { 'sec-fetch-site': 'none' } })).status).toBe(200);
  });

  test('has no input unless it was asked for', async () => {
    await open();
    expect((await ask('/input', { method: 'POST', headers: json, body: '{}' })).status).toBe(404);
  });

  test('hands an input to the question it is for, and refuses others', async () => {
    const task = place.source.add('printf "Name? "; read name; echo "hi $name"', { input: 'wait' });
    await open(true);
    const found = await place.source.until(() =>
      place.source.attempts[0]?.messages.find((message) => message.kind === 'ask'),
    );
    const key = found.kind === 'ask' ? found.key : '';
    const post = (body: unknown, headers = json) =>
      ask('/input', { method: 'POST', headers, body: JSON.stringify(body) });
    expect((await post({ taskId: task.id, promptId: 'other', input: 'x' })).status).toBe(409);
    expect((await post({ taskId: 'other', input: 'x' })).status).toBe(409);
    expect((await post({ input: 1 })).status).toBe(400);
    expect((await post({}, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await ask('/input', { method: 'POST', headers: json, body: '{' })).status).toBe(400);
    expect((await post({ taskId: task.id, input: 'x'.repeat(70_000) })).status).toBe(413);
    expect((await post({ taskId: task.id, promptId: key, input: 'Ada' })).status).toBe(200);
    const attempt = place.source.attemptOf(task);
    await place.source.until(() => attempt.report);
    expect(Buffer.concat(attempt.streams.stdout).toString()).toBe('Name? hi Ada\n');
    expect(attempt.messages.map((message) => message.kind)).toEqual(['ask', 'withdraw']);
  });

  test('takes no other port than the one that was asked for, and no foreign address', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const busy = (taken.address() as AddressInfo).port;
    const local = { host: 'localhost', port: busy, allowRemote: false, acceptInput: false };
    await expect(place.once({ localApi: local })).rejects.toMatchObject({ code: 'KERUTA_ERR_PORT_TAKEN' });
    await expect(place.once({ localApi: { ...local, host: '0.0.0.0' } })).rejects.toMatchObject({
      code: 'KERUTA_ERR_BAD_VALUE',
    });
    taken.close();
  });
});
