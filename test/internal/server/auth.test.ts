import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeAuthenticator, tokenCacheMs } from '../../../internal/server/auth.ts';
import type { Route } from '../../../internal/server/route.ts';
import { routes } from '../../../internal/server/routes.ts';
import { hashToken, mintTaskToken } from '../../../internal/session/tokens.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { openRaw, parseRaw } from './raw-http.ts';
import { adminToken, openParts, startServer, type TestServer } from './start-server.ts';

let server: TestServer;
/** One task in each of two sessions, and one token of each kind for the first. */
let own: { session: string; task: string };
let foreign: { session: string; task: string };
const tokens: Record<'admin' | 'session' | 'task' | 'read-only', string> = {
  admin: adminToken,
  session: '',
  task: '',
  'read-only': '',
};

beforeAll(async () => {
  server = await startServer();
  const make = async (name: string) => {
    const session = (await server.call('POST', 'sessions', { name })).body.id as string;
    const body = { sessionId: session, name: 't', script: 'true' };
    return { session, task: (await server.call('POST', 'tasks', body)).body.id as string };
  };
  [own, foreign] = [await make('own'), await make('foreign')];
  const token = async (body: object) => (await server.call('POST', 'tokens', body)).body.token as string;
  tokens.session = await token({ scope: 'session', sessionId: own.session });
  tokens['read-only'] = await token({ scope: 'read-only' });
  const { parts } = server;
  const run = { taskId: own.task, sessionId: own.session, attempt: 0, now: await parts.store.now() };
  tokens.task = (await parts.store.transact((tx) => mintTaskToken(tx, parts, run))).token;
});
afterAll(() => server.close());

const as = (kind: keyof typeof tokens, method: string, path: string, body?: unknown) =>
  server.call(method, path, body, { authorization: `Bearer ${tokens[kind]}` });

describe('tokens over HTTP', () => {
  test('each kind begins as scanners expect it, and holds 256 bits', () => {
    expect(tokens.session).toMatch(/^krt_ses_[\w-]{43}$/);
    expect(tokens.task).toMatch(/^krt_tsk_[\w-]{43}$/);
    expect(tokens['read-only']).toMatch(/^krt_ro_[\w-]{43}$/);
  });

  test('without a token every route of the list is a 401 but those that are open', async () => {
    const open: string[] = [];
    for (const { method, path } of routes) {
      const answer = await fetch(server.url + path.replace(/:\w+/g, 'x'), { method });
      if (answer.status !== 401) open.push(path);
      await answer.arrayBuffer();
    }
    expect(open).toEqual([]);
  });

  test('every route refuses the scopes that it does not name with 403', async () => {
    const wrong: string[] = [];
    for (const { method, path, access } of routes) {
      if (access === 'open') continue;
      for (const kind of ['session', 'task', 'read-only'] as const) {
        if (access.includes(kind)) continue;
        const { status } = await as(kind, method, path.replace(/:\w+/g, 'x'));
        if (status !== 403) wrong.push(`${kind} ${method} ${path}: ${status}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('read-only tokens pass nowhere but at routes that read', () => {
    const writing = routes.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
    const isPassed = ({ access }: Route) => access === 'open' || access.includes('read-only');
    // senders of webhooks sign what they send, in place of a token
    const isSigned = ({ path }: Route) =>
      path.startsWith('/api/v1/public/') || path.startsWith('/webhook/') || path.endsWith('/webhook');
    expect(writing.filter((one) => isPassed(one) && !isSigned(one)).map(({ path }) => path)).toEqual([]);
  });

  test.each(['session', 'task'] as const)('a %s token gets a 404 for what is foreign', async (kind) => {
    expect((await as(kind, 'GET', `sessions/${own.session}`)).status).toBe(200);
    expect((await as(kind, 'GET', `tasks/${own.task}`)).status).toBe(200);
    expect((await as(kind, 'GET', `sessions/${foreign.session}`)).status).toBe(404);
    expect((await as(kind, 'GET', `tasks/${foreign.task}`)).status).toBe(404);
    const running = { status: 'PROCESSING' };
    expect((await as(kind, 'PUT', `tasks/${foreign.task}/status`, running)).status).toBe(404);
    const line = { level: 'INFO', message: 'x' };
    expect((await as(kind, 'POST', `tasks/${foreign.task}/logs`, line)).status).toBe(404);
    expect((await as(kind, 'GET', `sessions/${foreign.session}/logs`)).status).toBe(404);
  });

  test('lists show a bound token its own only', async () => {
    const ids = async (path: string) =>
      (await as('session', 'GET', path)).body.map((each: { id: string }) => each.id);
    expect(await ids('sessions')).toEqual([own.session]);
    expect(await ids('tasks')).toEqual([own.task]);
    expect(await ids('sessions/search?name=foreign')).toEqual([]);
    expect(await ids(`tasks/session/${foreign.session}`)).toEqual([]);
    expect(await ids('tasks/search?name=T')).toEqual([own.task]);
  });

  test('a submission into a foreign session is a 404, and its session is not changed', async () => {
    const body = { sessionId: foreign.session, name: 'x', script: 'true' };
    expect((await as('session', 'POST', 'tasks', body)).status).toBe(404);
    expect((await as('session', 'DELETE', `tasks/${foreign.task}`)).status).toBe(204);
    expect((await server.call('GET', `tasks/${foreign.task}`)).status).toBe(200);
  });

  test('a token bound to a session does not reach documents', async () => {
    const { token } = (await server.call('POST', 'tokens', { scope: 'read-only', sessionId: own.session }))
      .body;
    const answer = await server.call('GET', 'documents', undefined, { authorization: `Bearer ${token}` });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'KERUTA_ERR_FORBIDDEN' } } });
  });

  test('the list of tokens gives neither text nor hash, and revoking twice is once', async () => {
    const made = (await server.call('POST', 'tokens', { scope: 'admin', name: 'second' })).body;
    const list = await server.call('GET', 'tokens');
    const known = list.body.find((each: { id: string }) => each.id === made.id);
    expect(known).toMatchObject({ name: 'second', scope: 'admin', revokedAt: null });
    expect(JSON.stringify(list.body)).not.toContain(made.token);
    expect(JSON.stringify(list.body)).not.toContain(hashToken(made.token));
    const first = await server.call('DELETE', `tokens/${made.id}`);
    expect(await server.call('DELETE', `tokens/${made.id}`)).toMatchObject({ status: 200, body: first.body });
    const refused = await server.call('GET', 'sessions', undefined, {
      authorization: `Bearer ${made.token}`,
    });
    expect(refused.status).toBe(401);
    expect((await server.call('DELETE', 'tokens/none')).status).toBe(404);
  });

  test.each([
    [{ scope: 'session' }, 400],
    [{ scope: 'admin', sessionId: 'x' }, 400],
    [{ scope: 'task' }, 400],
    [{ scope: 'session', sessionId: 'none' }, 404],
  ])('the wish %j is answered %i', async (wish, status) => {
    expect((await server.call('POST', 'tokens', wish)).status).toBe(status);
  });
});

describe('the authenticator', () => {
  test('a token that was revoked elsewhere is refused when its cache has run out', async () => {
    const clock = new TestClock();
    const parts = await openParts(clock);
    const run = { taskId: '', sessionId: '', attempt: 1, now: clock.now() };
    const token = {
      id: 'i',
      scope: 'admin',
      sessionId: null,
      taskId: null,
      attempt: null,
      role: null,
      name: '',
      hash: hashToken('krt_adm_x'),
      createdAt: run.now,
      expiresAt: null,
      revokedAt: null,
    } as const;
    await parts.store.transact((tx) => tx.putToken(token));
    const { identify } = makeAuthenticator({ store: parts.store, clock, noAuth: false });
    const ask = () => identify('Bearer krt_adm_x', ['admin']);
    expect(await ask()).toMatchObject({ actor: 'i', scope: 'admin' });
    await parts.store.transact((tx) => tx.putToken({ ...token, revokedAt: clock.now() }));
    expect(tokenCacheMs).toBeLessThan(5_000);
    clock.advance(tokenCacheMs);
    await expect(ask()).rejects.toMatchObject({ code: 'KERUTA_ERR_UNAUTHENTICATED' });
    await parts.close();
  });

  test('an expired token is refused, also from the cache', async () => {
    const clock = new TestClock();
    const parts = await openParts(clock);
    const hash = hashToken('krt_ro_x');
    const bound = {
      sessionId: null,
      taskId: null,
      attempt: null,
      role: null,
      name: '',
      createdAt: 0,
      revokedAt: null,
    };
    const token = { id: 'i', scope: 'read-only', hash, expiresAt: clock.now() + 100, ...bound } as const;
    await parts.store.transact((tx) => tx.putToken(token));
    const { identify } = makeAuthenticator({ store: parts.store, clock, noAuth: false });
    await identify('bearer krt_ro_x', ['read-only']);
    clock.advance(100);
    await expect(identify('Bearer krt_ro_x', ['read-only'])).rejects.toMatchObject({
      message: expect.stringContaining('expired'),
    });
    await parts.close();
  });

  test('without authentication everybody is an administrator, and a fixed hash is one too', async () => {
    const parts = await openParts();
    const { store, clock } = parts;
    const open = makeAuthenticator({ store, clock, noAuth: true });
    expect(await open.identify(undefined, ['admin'])).toMatchObject({ scope: 'admin', sessionId: null });
    const adminTokenHash = hashToken('given');
    const fixed = makeAuthenticator({ store, clock, noAuth: false, adminTokenHash });
    expect(await fixed.identify('Bearer given', ['admin'])).toMatchObject({ scope: 'admin' });
    await expect(fixed.identify('Basic given', ['admin'])).rejects.toThrow('Bearer krt_');
    await parts.close();
  });
});

describe('S-01: a server without authentication', () => {
  const ask = async (headers: Readonly<Record<string, string>>, method = 'GET') => {
    const raw = await openRaw(open);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const body = method === 'GET' ? '' : '{"name":"evil"}';
    raw.socket.write(
      `${method} /api/v1/sessions HTTP/1.1\r\n${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await expect.poll(() => parseRaw(raw.text()).status).toBeGreaterThan(0);
    raw.socket.destroy();
    return parseRaw(raw.text()).status;
  };
  let open: TestServer;
  beforeAll(async () => {
    open = await startServer({ noAuth: true });
  });
  afterAll(() => open.close());

  test('takes what a program on this machine asks', async () => {
    for (const host of ['127.0.0.1', 'localhost:8585', '[::1]:8585', 'LOCALHOST'])
      expect([host, await ask({ host })]).toEqual([host, 200]);
    expect(await ask({ host: 'localhost', 'sec-fetch-site': 'none' })).toBe(200);
  });

  test.each<[string, Record<string, string>]>([
    ['by a name that somebody lets lead here', { host: 'evil.example' }],
    ['by a name that begins like one of this machine', { host: '127.0.0.1.evil.example' }],
    ['from another site', { host: 'localhost', origin: 'http://evil.example' }],
    ['from a page without an origin', { host: 'localhost', origin: 'null' }],
    ['as a browser says it', { host: 'localhost', 'sec-fetch-site': 'cross-site' }],
    ['from another port of this machine', { host: 'localhost', 'sec-fetch-site': 'same-site' }],
  ])('refuses what a page asks %s, and does nothing', async (_how, headers) => {
    expect([await ask(headers), await ask(headers, 'POST')]).toEqual([403, 403]);
    expect((await open.call('GET', 'sessions')).body).toEqual([]);
  });

  test('tells everybody how it is', async () => {
    const { status } = await open.call('GET', '/healthz', undefined, { origin: 'http://evil.example' });
    expect(status).toBe(200);
  });
});
