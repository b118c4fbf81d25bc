import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ApiEvent } from '../../../../internal/api/client/events.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { makeHttp } from '../../../../pkg/http/http.ts';
import { clientFor, taskId } from '../../../fake-server/api.ts';
import {
  type FakeReply,
  type FakeServer,
  faults,
  startFakeServer,
} from '../../../fake-server/fake-server.ts';

let server: FakeServer;
beforeEach(async () => {
  server = await startFakeServer();
});
afterEach(() => server.close());

const quick = { ...systemClock, sleep: async () => {} };
const path = '/api/v1/tasks/:id/events';
const stream = (...texts: string[]): FakeReply => ({
  headers: { 'content-type': 'text/event-stream' },
  stream: async (send) => {
    for (const text of texts) send(text);
  },
});
const follow = async (options = {}, client = clientFor(server.url, { clock: quick })) => {
  const events: ApiEvent[] = [];
  for await (const event of client.events.ofTask(taskId, options)) events.push(event);
  return events;
};

test('events come parsed, and those of a task are over behind its end', async () => {
  server.route(
    'GET',
    path,
    stream('id: 1\nevent: status\ndata: {"status":"PROCESSING"}\n\n', ': hi\n\nevent: end\ndata: text\n\n'),
  );
  expect(await follow({ output: false, lastEventId: '0' })).toEqual([
    { id: '1', type: 'status', data: { status: 'PROCESSING' } },
    { id: '1', type: 'end', data: 'text' },
  ]);
  expect(server.requests[0]!.headers['last-event-id']).toBe('0');
  expect(server.requests[0]!.query.get('output')).toBe('false');
});

test('a connection that ends, breaks or is answered badly is made again behind the last event', async () => {
  server.route(
    'GET',
    path,
    stream('id: 1\ndata: 1\n\n'),
    faults.reset,
    faults.error500,
    faults.html,
    stream('event: end\nid: 2\ndata: 2\n\n'),
  );
  const seen: unknown[] = [];
  const events = await follow({ onReconnect: (error: unknown) => seen.push(error) });
  expect(events.map((event) => event.data)).toEqual([1, 2]);
  expect(seen).toHaveLength(4);
  expect(server.requests.map((request) => request.headers['last-event-id'])).toEqual([
    undefined,
    '1',
    '1',
    '1',
    '1',
  ]);
});

test('silence counts as a lost connection', async () => {
  const silent: FakeReply = {
    headers: { 'content-type': 'text/event-stream' },
    stream: (_send, closed) => closed,
  };
  server.route('GET', path, silent, stream('event: end\ndata: 1\n\n'));
  const http = makeHttp({ userAgent: 't' });
  const impatient = {
    ...http,
    request: (request: Parameters<typeof http.request>[0]) =>
      http.request({ ...request, stallMs: Math.min(request.stallMs ?? 0, 100) }),
  };
  expect(await follow({}, clientFor(server.url, { clock: quick, http: impatient }))).toHaveLength(1);
});

test.each<[string, FakeReply, string]>([
  ['an unknown task', { status: 404 }, 'KERUTA_ERR_TASK_NOT_FOUND'],
  ['no permission', { status: 403 }, 'KERUTA_ERR_FORBIDDEN'],
  ['a web page', faults.html, 'KERUTA_ERR_API_ANSWER'],
  ['an answer without a type', { status: 200 }, 'KERUTA_ERR_NOT_FOUND'],
  ['no answer', faults.reset, 'KERUTA_ERR_API_UNAVAILABLE'],
])('%s at the first connection is thrown', async (_what, reply, code) => {
  server.route('GET', path, reply);
  await expect(follow()).rejects.toMatchObject({ code });
});

test('a task that vanishes later is thrown, and an aborted signal is its reason', async () => {
  server.route('GET', path, stream('data: 1\n\n'), { status: 404 });
  await expect(follow()).rejects.toMatchObject({ code: 'KERUTA_ERR_TASK_NOT_FOUND' });
  server.route('GET', path, stream('data: 1\n\n'));
  const stop = new AbortController();
  const client = clientFor(server.url);
  const first = async () => {
    for await (const _event of client.events.ofTask(taskId, { signal: stop.signal }))
      stop.abort(new Error('enough'));
  };
  await expect(first()).rejects.toThrow('enough');
});

test('events of a session go on until the loop is left', async () => {
  server.route('GET', '/api/v1/sessions/:id/events', stream('event: end\ndata: 1\n\ndata: 2\n\n'));
  const types: string[] = [];
  for await (const event of clientFor(server.url).events.ofSession('s')) {
    types.push(event.type);
    if (event.type === 'message') break;
  }
  expect(types).toEqual(['end', 'message']);
});
