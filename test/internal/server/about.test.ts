import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildServer } from '../../../internal/server/app.ts';
import { docsPage } from '../../../internal/server/docs-page.ts';
import { routes } from '../../../internal/server/routes.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { openParts, startServer, type TestServer } from './start-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const get = (path: string) => server.call('GET', path, undefined, { authorization: '' });

describe('the OpenAPI document', () => {
  test('is open, of version 3.1, and names every route with who may call it', async () => {
    const { status, body } = await get('/api/v1/openapi.json');
    expect([status, body.openapi, body.info.version]).toEqual([200, '3.1.0', '0.0.0-test']);
    for (const { method, path, summary } of routes) {
      const operation = body.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
      expect(operation, `${method} ${path}`).toMatchObject({ summary, operationId: expect.any(String) });
      expect(operation.description).toMatch(/^(Open|Token of scope)/);
    }
    expect(body.paths['/healthz'].get.security).toEqual([]);
  });

  test('gives the shapes of bodies and answers, and no name twice', async () => {
    const { body } = await get('/api/v1/openapi.json');
    const { post } = body.paths['/api/v1/tasks'];
    const schema = post.requestBody.content['application/json'].schema;
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['sessionId', 'name', 'script']));
    expect(post.responses['201'].content['application/json'].schema.properties.status).toBeDefined();
    expect(post.responses['4XX'].content['application/json'].schema.properties.error).toBeDefined();
    const ids = Object.values<object>(body.paths).flatMap((methods) =>
      Object.values<{ operationId: string }>(methods as never).map((each) => each.operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the page of the API', () => {
  test('is self-contained: nothing from elsewhere, no script, a policy that forbids both', async () => {
    const { status, headers, body } = await get('/docs');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(body).not.toMatch(/<script|<link|<img|src=|https?:\/\//i);
    expect(body).toContain('/api/v1/tasks/{id}/status');
    expect(body).toContain('<code>timeoutSeconds</code>');
  });

  test('shows text of the document as text', () => {
    const page = docsPage({ info: { title: '<b>x', version: '1' }, paths: {} });
    expect(page).toContain('&#60;b&#62;x');
    expect(page).not.toContain('<b>');
  });
});

describe('health', () => {
  test('tells version and abilities', async () => {
    const { body } = await get('/api/v1/health');
    expect(body).toMatchObject({
      version: '0.0.0-test',
      abilities: expect.arrayContaining(['claim', 'streams']),
    });
  });

  test('is DOWN with the reason and 503 when the store takes no writes', async () => {
    const { store } = await openParts();
    const broken = { ...store, health: async () => ({ ok: false, message: 'the disk is full' }) };
    const other = await startServer({ parts: { store: broken } });
    expect(await other.call('GET', '/healthz')).toMatchObject({
      status: 503,
      body: { status: 'DOWN', health: 'unhealthy', reasons: ['store: the disk is full'] },
    });
    await other.close();
    await store.close();
  });

  test('is degraded when the store is slow, and one look answers those who ask together', async () => {
    const { store } = await openParts();
    let looks = 0;
    let ms = 0;
    const clock = { ...systemClock, monotonicMs: () => ms };
    const health = async () => {
      looks++;
      await systemClock.sleep(5);
      ms += 1_500;
      return { ok: true, message: '' };
    };
    const other = await startServer({ clock, parts: { store: { ...store, health }, clock } });
    const answers = await Promise.all([other.call('GET', '/health'), other.call('GET', '/health')]);
    expect(answers[0]).toMatchObject({ status: 200, body: { status: 'UP', health: 'degraded' } });
    expect(looks).toBeLessThanOrEqual(2);
    await other.close();
    await store.close();
  });

  test('is degraded, and served still, when something beside the store does not work', async () => {
    const parts = await openParts();
    const doubts = () => ['email: a mailbox cannot be read'];
    const other = buildServer({ parts, noAuth: true, version: '1', logger: silentLog, doubts });
    const { statusCode, body } = await other.inject({ method: 'GET', url: '/readyz' });
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ status: 'UP', health: 'degraded', reasons: doubts() });
    await other.close();
    await parts.close();
  });

  test('is alive without its store, and not when it must be started anew', async () => {
    const parts = await openParts();
    const store = { ...parts.store, health: async () => ({ ok: false, message: 'the disk is full' }) };
    const broken: string[] = [];
    const made = { parts: { ...parts, store }, noAuth: true, version: '1', logger: silentLog };
    const other = buildServer({ ...made, broken: () => broken });
    const ask = async (url: string) => {
      const { statusCode, body } = await other.inject({ method: 'GET', url });
      return { statusCode, body: JSON.parse(body) };
    };
    expect(await ask('/readyz')).toMatchObject({ statusCode: 503, body: { store: 'unavailable' } });
    expect(await ask('/livez')).toEqual({ statusCode: 200, body: { status: 'UP', reasons: [] } });
    broken.push('the sweep of leases ended');
    expect(await ask('/livez')).toMatchObject({ statusCode: 503, body: { status: 'DOWN', reasons: broken } });
    await other.close();
    await parts.close();
  });

  test('X2: is degraded when the clock is more than a minute from that of the database', async () => {
    const parts = await openParts();
    const behind = { ...parts.store, now: async () => Date.now() - 61_000 };
    // no answer of the store takes time
    const clock = { ...systemClock, monotonicMs: () => 0 };
    const made = { parts: { ...parts, clock, store: behind }, noAuth: true, version: '1', logger: silentLog };
    const other = buildServer(made);
    const { body } = await other.inject({ method: 'GET', url: '/readyz' });
    expect(JSON.parse(body)).toMatchObject({
      health: 'degraded',
      reasons: [expect.stringMatching(/^clock: 6\d s away from the database's$/)],
      triggers: { awake: 0, held: 0, disabled: 0 },
    });
    await other.close();
    await parts.close();
  });

  test('of tasks alone is told to those with a token', async () => {
    expect((await get('/api/v1/tasks/health')).status).toBe(401);
    expect(await server.call('GET', 'tasks/health')).toMatchObject({ status: 200, body: { status: 'OK' } });
  });
});
