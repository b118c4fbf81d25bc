/** Documents, repositories, logs of sessions and lists, over HTTP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
const call: TestServer['call'] = (...request) => server.call(...request);

describe('repositories', () => {
  const body = { name: 'r', url: 'https://example.org/r.git', branch: 'main', authType: 'access_token' };

  test('credentials go in and never come out', async () => {
    const authConfig = { token: 'very-secret-token' };
    const made = await call('POST', 'repositories', {
      ...body,
      authConfig,
      tags: ['b', 'a'],
      installScript: 'npm ci',
    });
    expect(made).toMatchObject({ status: 200, body: { authType: 'ACCESS_TOKEN', hasInstallScript: true } });
    const { id } = made.body;
    const detail = await call('GET', `repositories/${id}`);
    expect(detail.body).toMatchObject({ authConfigPresent: true, installScript: 'npm ci' });
    const changed = await call('PUT', `repositories/${id}`, { branch: 'dev' });
    expect(changed.body).toMatchObject({ branch: 'dev', name: 'r' });
    const list = await call('GET', 'repositories?search=EXAMPLE');
    expect(list.body).toHaveLength(1);
    for (const each of [made, detail, changed, list]) {
      expect(JSON.stringify(each.body)).not.toContain('very-secret-token');
      expect(JSON.stringify(each.body)).not.toContain('"authConfig"');
    }
    expect((await call('GET', `repositories/${id}/script`)).body).toMatchObject({ installScript: 'npm ci' });
    expect((await call('GET', 'repositories/tags')).body).toEqual(['a', 'b']);
    expect((await call('GET', 'repositories/stats')).body).toMatchObject({
      totalRepositories: 1,
      hasInstallScript: 1,
      authTypeDistribution: { ACCESS_TOKEN: 1 },
    });
    expect((await call('POST', `repositories/${id}/toggle-status`)).body).toMatchObject({ isActive: false });
    expect((await call('GET', 'repositories?activeOnly=true')).body).toEqual([]);
    expect(await call('DELETE', `repositories/${id}`)).toMatchObject({
      status: 200,
      body: { repositoryId: id },
    });
    expect((await call('GET', `repositories/${id}`)).status).toBe(404);
  });

  test('a URL that is known, an unknown kind of credentials and a missing field are 400s', async () => {
    const known = { ...body, url: 'https://example.org/known.git' };
    expect((await call('POST', 'repositories', known)).status).toBe(200);
    expect((await call('POST', 'repositories', known)).status).toBe(400);
    expect((await call('POST', 'repositories', { ...body, authType: 'ODD' })).status).toBe(400);
    expect((await call('POST', 'repositories', { name: 'x' })).status).toBe(400);
    expect((await call('POST', 'repositories', { ...body, url: 'https://-x' })).status).toBe(400);
  });
});

describe('documents', () => {
  test('are made, replaced, listed by tag and removed', async () => {
    const { id } = (await call('POST', 'documents', { title: 'One', content: 'c', tags: ['x'] })).body;
    expect((await call('PUT', `documents/${id}`, { title: 'Two', content: 'd' })).body).toMatchObject({
      title: 'Two',
      tags: [],
    });
    expect((await call('GET', `documents/${id}`)).body).toMatchObject({ content: 'd' });
    expect((await call('GET', 'documents?tag=x')).body).toEqual([]);
    expect((await call('DELETE', `documents/${id}`)).status).toBe(204);
    expect((await call('GET', `documents/${id}`)).status).toBe(404);
    expect((await call('POST', 'documents', { content: 'c' })).status).toBe(400);
  });
});

describe('logs', () => {
  test('of a session are read one by one, counted, filtered by time, and emptied', async () => {
    const { id } = (await call('POST', 'sessions', { name: 'logged' })).body;
    const other = (await call('POST', 'sessions', { name: 'other' })).body;
    const line = { level: 'trace', source: 's', action: 'a', message: 'm', details: 'd', userId: 'u' };
    const made = (await call('POST', `sessions/${id}/logs`, line)).body;
    expect(made).toMatchObject({ ...line, level: 'TRACE' });
    expect((await call('GET', `sessions/${id}/logs/${made.id}`)).body).toEqual(made);
    expect((await call('GET', `sessions/${other.id}/logs/${made.id}`)).status).toBe(404);
    expect((await call('GET', `sessions/${id}/logs/count?action=a`)).body).toEqual({ count: 1 });
    expect((await call('GET', `sessions/${id}/logs?endTime=2000-01-01T00:00:00`)).body).toEqual([]);
    expect((await call('GET', `sessions/${id}/logs?startTime=odd`)).status).toBe(400);
    expect((await call('GET', 'sessions/logs/level/TRACE')).body).toHaveLength(1);
    expect((await call('GET', 'sessions/logs/recent?limit=1')).body).toHaveLength(1);
    expect((await call('POST', `sessions/${id}/logs`, { ...line, level: 'LOUD' })).status).toBe(400);
    expect((await call('DELETE', `sessions/${id}/logs`)).status).toBe(204);
    expect((await call('GET', `sessions/${id}/logs/count`)).body).toEqual({ count: 0 });
  });

  test('of a task come by page, by source and by time, and as text', async () => {
    const { id: sessionId } = (await call('POST', 'sessions', { name: 'paged' })).body;
    const { id } = (await call('POST', 'tasks', { sessionId, name: 't', script: '' })).body;
    const logs = [1, 2, 3].map((n) => ({
      level: 'INFO',
      message: `${n}`,
      source: n === 2 ? 'cron' : null,
      timestamp: n * 1_000,
    }));
    await call('POST', `tasks/${id}/logs/batch`, { logs });
    const page = (await call('GET', `tasks/${id}/logs?page=1&size=2`)).body;
    expect(page).toMatchObject({
      totalElements: 3,
      totalPages: 2,
      size: 2,
      number: 1,
      content: [{ message: '1' }],
    });
    expect((await call('GET', `tasks/${id}/logs?source=cron`)).body).toHaveLength(1);
    expect(
      (await call('GET', `tasks/${id}/logs?startTime=1970-01-01T00:16:41&to=1970-01-01T00:40:00Z`)).body,
    ).toHaveLength(1);
    const bad = { logs: [logs[0], { level: 'LOUD', message: 'x' }] };
    expect((await call('POST', `tasks/${id}/logs/batch`, bad)).status).toBe(400);
    expect((await call('GET', `tasks/${id}/logs/count`)).body).toEqual({ count: 3 });
    expect(
      (await call('POST', `tasks/${id}/logs`, { level: 'INFO', message: 'x', timestamp: 'odd' })).status,
    ).toBe(400);
    const text = await call('GET', `tasks/${id}/logs?format=text`);
    expect([text.status, text.headers.get('content-type'), text.body]).toEqual([
      200,
      'text/plain; charset=utf-8',
      '',
    ]);
  });
});

describe('lists and old words', () => {
  test('tasks are listed by session, status and workspace', async () => {
    const { id: sessionId } = (
      await call('POST', 'sessions', { name: 'lists', workspaceId: 'ws-l', tags: ['lt'] })
    ).body;
    const { id } = (await call('POST', `tasks/test/${sessionId}`)).body;
    const paths = [
      `tasks?sessionId=${sessionId}&status=queued`,
      `tasks/session/${sessionId}?status=PENDING`,
      `tasks/session/${sessionId}/pending`,
      'tasks/workspace/ws-l',
    ];
    for (const path of paths) {
      expect(
        (await call('GET', path)).body.map((task: { id: string }) => task.id),
        path,
      ).toEqual([id]);
    }
    expect((await call('GET', 'tasks/status/PENDING')).body.length).toBeGreaterThan(0);
    expect((await call('GET', 'tasks/session/none')).body).toEqual([]);
    expect((await call('GET', 'tasks/search?name=TEST')).body).toHaveLength(1);
    expect((await call('GET', 'sessions/tag/lt')).body).toHaveLength(1);
    expect((await call('GET', 'sessions/status/active')).body.length).toBeGreaterThan(0);
    expect((await call('GET', 'sessions/status/odd')).body).toEqual([]);
  });

  test('a session tells of the workspace that it is bound to', async () => {
    const { id } = (await call('POST', 'sessions', { name: 'bound', workspaceId: 'ws-b' })).body;
    expect((await call('GET', `sessions/${id}/workspaces`)).body).toMatchObject([
      { id: 'ws-b', sessionId: id },
    ]);
    const synced = await call('POST', `sessions/${id}/sync-status`);
    expect(synced.body).toMatchObject({ sessionId: id, sessionStatus: 'ACTIVE', workspaceCount: 1 });
  });

  test('progress has an address of its own', async () => {
    const { id: sessionId } = (await call('POST', 'sessions', { name: 'progress' })).body;
    const { id } = (await call('POST', 'tasks', { sessionId, name: 't' })).body;
    const at = await call('PATCH', `tasks/${id}/progress`, { progress: 20, message: 'm' });
    expect(at).toMatchObject({ status: 200, body: { status: 'PROCESSING', progress: 20, message: 'm' } });
    expect((await call('PATCH', `tasks/${id}/progress`, { progress: 101 })).status).toBe(400);
  });

  test('an idempotency key makes one task: 201, then 200, 409 for another wish, 400 when empty', async () => {
    const { id: sessionId } = (await call('POST', 'sessions', { name: 'keys' })).body;
    const submit = (name: string, key: string) =>
      call('POST', 'tasks', { sessionId, name, timeoutSeconds: 1.5 }, { 'idempotency-key': key });
    const first = await submit('a', 'k');
    expect(first).toMatchObject({ status: 201, body: { timeoutSeconds: 1.5 } });
    expect(await submit('a', 'k')).toMatchObject({ status: 200, body: { id: first.body.id } });
    expect((await submit('b', 'k')).status).toBe(409);
    expect((await submit('b', '')).status).toBe(400);
  });

  test('a task keeps what a change leaves out, and its name is never empty', async () => {
    const { id: sessionId } = (await call('POST', 'sessions', { name: 'changes' })).body;
    const { id } = (await call('POST', 'tasks', { sessionId, name: 't', description: 'd' })).body;
    const changed = await call('PUT', `tasks/${id}`, { script: 'true', priority: 9 });
    expect(changed).toMatchObject({
      status: 200,
      body: { name: 't', description: 'd', script: 'true', priority: 0 },
    });
    expect((await call('PUT', `tasks/${id}`, { name: ' ' })).status).toBe(400);
    expect((await call('GET', 'tasks?limit=1&offset=0')).body).toHaveLength(1);
  });

  test('a script of 1 MiB fits into a request, one byte more is a 413', async () => {
    const { id: sessionId } = (await call('POST', 'sessions', { name: 'large' })).body;
    const script = '\n'.repeat(1024 * 1024);
    expect((await call('POST', 'tasks', { sessionId, name: 't', script })).status).toBe(201);
    const answer = await call('POST', 'tasks', { sessionId, name: 't', script: `${script}x` });
    expect(answer).toMatchObject({ status: 413, body: { error: { code: 'KERUTA_ERR_SCRIPT_TOO_LARGE' } } });
  });

  test('agents are listed with whether they were seen of late', async () => {
    const { id: sessionId } = (await call('POST', 'sessions', { name: 'agents' })).body;
    const now = await server.parts.store.now();
    const agent = { hostname: 'h', version: '1', labels: [], sessionId, taskId: null, firstSeenAt: 0 };
    await server.parts.store.transact(async (tx) => {
      await tx.putAgent({ ...agent, id: 'old', lastSeenAt: now - 60_000 });
      await tx.putAgent({ ...agent, id: 'new', lastSeenAt: now });
    });
    const { body } = await call('GET', 'agents');
    expect(body.map((each: { id: string; alive: boolean }) => [each.id, each.alive])).toEqual([
      ['new', true],
      ['old', false],
    ]);
  });
});
