import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sendSpooled } from '../../../internal/api/send-spooled.ts';
import { makeHttp } from '../../../pkg/http/http.ts';

const http = makeHttp({ userAgent: 'test' });
let bodies: { status?: string }[] = [];
let keys: unknown[] = [];
let answers: (readonly [number, string])[] = [];
const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  bodies.push(JSON.parse(text));
  keys.push(request.headers['idempotency-key']);
  const [status, body] = answers.shift() ?? [200, '{}'];
  response.writeHead(status).end(body);
});
let apiUrl = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await http.close();
  server.close();
});

const send = (body: unknown) =>
  sendSpooled(
    { http, token: 'krt_x' },
    { method: 'PUT', apiUrl, path: '/api/v1/tasks/t/status', body, at: 0 },
  );

test.each([
  [200, '{}', 'sent'],
  [201, '', 'sent'],
  [200, '<html>', 'later'],
  [401, '', 'later'],
  [429, '', 'later'],
  [503, '', 'later'],
  [404, '', 'refused'],
  [409, '{}', 'refused'],
] as const)('an answer %i %s means %s', async (status, text, result) => {
  answers = [[status, text]];
  expect(await send({ level: 'INFO', message: 'x' })).toBe(result);
});

test('a server that does not know PROCESSING is told IN_PROGRESS', async () => {
  bodies = [];
  answers = [[500, '']];
  expect(await send({ status: 'PROCESSING' })).toBe('sent');
  expect(bodies.map((body) => body.status)).toEqual(['PROCESSING', 'IN_PROGRESS']);
});

test('its key goes with it', async () => {
  keys = [];
  const request = { method: 'POST', apiUrl, path: '/x', body: {}, at: 0 } as const;
  await sendSpooled({ http, token: 'krt_x' }, { ...request, key: 'k' });
  await sendSpooled({ http, token: 'krt_x' }, request);
  expect(keys).toEqual(['k', undefined]);
});

test('nobody at the address means later', async () => {
  const nobody = { method: 'PUT', apiUrl: 'http://127.0.0.1:9', path: '/x', body: {}, at: 0 } as const;
  expect(await sendSpooled({ http, token: null }, nobody)).toBe('later');
});
