import { afterAll, describe, expect, test } from 'vitest';
import type { ServerLimits } from '../../../internal/server/limits.ts';
import { makeRequestRate } from '../../../internal/server/request-rate.ts';
import { routes } from '../../../internal/server/routes.ts';
import { systemCaller } from '../../../internal/session/parts.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { makeTask } from './claims-client.ts';
import { head, openRaw, parseRaw } from './raw-http.ts';
import { adminToken, startServer, type TestServer } from './start-server.ts';

/** Requests that went through in a row before the first refusal. */
function passing(check: () => void, most: number): number {
  for (let count = 0; count < most; count++) {
    try {
      check();
    } catch {
      return count;
    }
  }
  return most;
}

describe('S-49: the rate of a token', () => {
  const clock = new TestClock();
  const limits = { requestsPerSecond: 50, adminRequestsPerSecond: 1_000, sessionRequestsPerSecond: 1_000 };
  const check = makeRequestRate(clock, limits);
  const route = { access: ['admin'] } as const;
  const as = (scope: 'admin' | 'session' | 'task' | 'read-only', actor: string) => () =>
    check({ ...systemCaller, scope, actor }, route);

  test('is 50 a second and 100 at once for a read-only one', () => {
    expect(passing(as('read-only', 'r'), 1_000)).toBe(100);
    clock.advance(1_000);
    expect(passing(as('read-only', 'r'), 1_000)).toBe(50);
    expect(passing(as('read-only', 'other'), 1_000)).toBe(100);
  });

  test('is twenty times that for an admin one', () => {
    expect(passing(as('admin', 'a'), 10_000)).toBe(2_000);
  });

  test.each(['session', 'task'] as const)('is 1,000 a second and 2,000 at once for a %s one', (scope) => {
    expect(passing(as(scope, scope), 10_000)).toBe(2_000);
    clock.advance(1_000);
    expect(passing(as(scope, scope), 10_000)).toBe(1_000);
  });

  test('does not count what only agents ask, nor open routes', () => {
    const ask = (about: Parameters<typeof check>[1]) =>
      passing(() => check({ ...systemCaller, scope: 'read-only', actor: 'x' }, about), 1_000);
    expect(ask({ ...route, unmetered: true })).toBe(1_000);
    const agent = { ...systemCaller, scope: 'session', actor: 'agent' } as const;
    expect(passing(() => check(agent, { ...route, unmetered: true }), 10_000)).toBe(10_000);
    expect(ask({ access: 'open' })).toBe(1_000);
    expect(ask(route)).toBe(100);
  });

  test('leaves out exactly the routes by which agents work', () => {
    const unmetered = routes.filter((each) => each.unmetered).map(({ method, path }) => `${method} ${path}`);
    expect(unmetered).toEqual([
      'POST /api/v1/sessions/:id/claim',
      'POST /api/v1/tasks/:id/attempts/:n/renew',
      'POST /api/v1/tasks/:id/attempts/:n/checkout',
      'POST /api/v1/tasks/:id/attempts/:n/messages',
      'POST /api/v1/tasks/:id/attempts/:n/exited',
      'POST /api/v1/tasks/:id/attempts/:n/finish',
      'HEAD /api/v1/tasks/:id/attempts/:n/streams/:stream',
      'PATCH /api/v1/tasks/:id/attempts/:n/streams/:stream',
      'POST /api/v1/tasks/:id/artifacts/uploads',
      'HEAD /api/v1/tasks/:id/artifacts/uploads/:uploadId',
      'PATCH /api/v1/tasks/:id/artifacts/uploads/:uploadId',
      'GET /api/v1/sessions/:id/watches',
      'POST /api/v1/sessions/:id/watches',
      'POST /api/v1/triggers/:id/file-events',
      'POST /api/v1/sessions/:id/agents/disk',
    ]);
  });
});

describe('a server with small limits', () => {
  const opened: TestServer[] = [];
  const start = async (limits: Partial<ServerLimits>, more: object = {}) => {
    const server = await startServer({ limits, clock: new TestClock(), ...more });
    opened.push(server);
    return server;
  };
  afterAll(async () => {
    for (const server of opened) await server.close();
  });

  test('answers one request too many with 429, Retry-After and the name of the limit', async () => {
    const server = await start({ adminRequestsPerSecond: 2 });
    const ask = () => server.call('GET', 'sessions');
    for (let count = 0; count < 4; count++) expect((await ask()).status).toBe(200);
    const refused = await ask();
    expect(refused).toMatchObject({
      status: 429,
      body: {
        error: {
          code: 'KERUTA_ERR_RATE_LIMITED',
          details: { limit: 'adminRequestsPerSecond', max: 2 },
        },
      },
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await server.call('GET', '/healthz')).status).toBe(200);
  });

  test('refuses a session token that asks too often, and lets its agent work on', async () => {
    const server = await start({ sessionRequestsPerSecond: 1 });
    const { session, task, claim } = await makeTask(server);
    const { attempt } = await claim();
    const wish = { scope: 'session', sessionId: session.id };
    const { token } = (await server.call('POST', 'tokens', wish)).body;
    const by = { authorization: `Bearer ${token}` };
    const ask = () => server.call('GET', `sessions/${session.id}`, undefined, by);
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200]);
    const refused = await ask();
    expect(refused).toMatchObject({
      status: 429,
      body: { error: { details: { limit: 'sessionRequestsPerSecond', max: 1 } } },
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    const path = `/api/v1/tasks/${task.id}/attempts/${attempt.number}/streams/stdout`;
    for (let offset = 0; offset < 20; offset++) {
      const headers = { ...by, 'upload-offset': String(offset) };
      expect((await server.call('PATCH', path, new Uint8Array([65]), headers)).status).toBe(204);
    }
  });

  test('S-50: refuses before a body has arrived', async () => {
    const server = await start({ adminRequestsPerSecond: 1 });
    for (let count = 0; count < 2; count++) await server.call('GET', 'sessions');
    const raw = await openRaw(server);
    raw.socket.write(`${head('POST', '/api/v1/tasks', ['Content-Length: 1000000'])}\r\n`);
    await expect.poll(() => parseRaw(raw.text()).status).toBe(429);
    raw.socket.destroy();
  });

  test('lets an agent with an admin token work on while that token is refused elsewhere', async () => {
    const server = await start({ adminRequestsPerSecond: 2 });
    const { task, claim } = await makeTask(server);
    const { attempt } = await claim();
    while ((await server.call('GET', 'sessions')).status !== 429);
    const path = `/api/v1/tasks/${task.id}/attempts/${attempt.number}/streams/stdout`;
    for (let offset = 0; offset < 50; offset++) {
      const headers = { 'upload-offset': String(offset) };
      expect((await server.call('PATCH', path, new Uint8Array([65]), headers)).status).toBe(204);
    }
  });

  test('refuses tasks over the limits of their session with 429 and Retry-After', async () => {
    const server = await start({}, { parts: { maxPendingTasks: 2 } });
    const { add } = await makeTask(server);
    await add();
    const refused = await add();
    expect(refused.error).toMatchObject({ code: 'KERUTA_ERR_RATE_LIMITED', status: 429 });
    const { sessionId } = (await server.call('GET', 'tasks')).body[0];
    const again = await server.call('POST', 'tasks', { sessionId, name: 'x', script: 'true' });
    expect(again.headers.get('retry-after')).toBe('60');
    expect(again.body.error.details).toMatchObject({ limit: 'maxPendingTasks', max: 2 });
  });

  test('takes as many readers of live events as are allowed, and one more when one has gone', async () => {
    const server = await start({ maxStreamClients: 2 });
    const { session, task } = await makeTask(server);
    const stop = [new AbortController(), new AbortController()];
    const open = (path: string, signal?: AbortSignal) =>
      fetch(`${server.url}/api/v1/${path}`, {
        headers: { authorization: `Bearer ${adminToken}` },
        ...(signal ? { signal } : {}),
      });
    const live = [
      await open(`sessions/${session.id}/events`, stop[0]!.signal),
      await open(`tasks/${task.id}/events`, stop[1]!.signal),
    ];
    expect(live.map(({ status }) => status)).toEqual([200, 200]);
    const refused = await open('sessions/realtime/events');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await refused.json()).toMatchObject({ error: { details: { limit: 'maxStreamClients', max: 2 } } });
    stop[0]!.abort();
    const again = new AbortController();
    await expect
      .poll(async () => (await open(`sessions/${session.id}/events`, again.signal)).status)
      .toBe(200);
    again.abort();
    stop[1]!.abort();
  });
});
