/** The plain protocol, rows about sessions and what is common to all routes. */
import { describe, expect } from 'vitest';
import { type Row, runRows } from './conformance-rows.ts';
import { adminToken } from './start-server.ts';

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const statuses = (tasks: readonly { status: string }[]) => [...new Set(tasks.map((task) => task.status))];

const rows: readonly Row[] = [
  [
    1,
    'a session has every field, dates as strings and absent values as nulls',
    async ({ call, session }) => {
      const { id, name } = await session();
      const answer = await call('GET', `sessions/${id}`);
      expect(answer).toMatchObject({
        status: 200,
        body: {
          id,
          name,
          description: null,
          status: 'ACTIVE',
          tags: [],
          repositoryUrl: null,
          repositoryRef: 'main',
          templateConfig: null,
          createdAt: expect.stringMatching(rfc3339),
          updatedAt: expect.stringMatching(rfc3339),
        },
      });
    },
  ],
  [
    2,
    'an unknown session is a 404',
    async ({ call }) => expectStatus(await call('GET', 'sessions/nope'), 404),
  ],
  [
    3,
    'a status filter gives only tasks of that status',
    async ({ call, session, task }) => {
      const { id: sessionId } = await session();
      const ended = await task({ sessionId });
      const waiting = await task({ sessionId });
      await call('PUT', `tasks/${ended.id}/status`, { status: 'FAILED' });
      const { status, body } = await call('GET', `sessions/${sessionId}/tasks?status=PENDING`);
      expect([status, body.map((each: { id: string }) => each.id)]).toEqual([200, [waiting.id]]);
      expect(statuses(body)).toEqual(['PENDING']);
    },
  ],
  [
    4,
    'a status filter is read in any case',
    async ({ call, task }) => {
      const { sessionId } = await task();
      const upper = await call('GET', `sessions/${sessionId}/tasks?status=PENDING`);
      expect((await call('GET', `sessions/${sessionId}/tasks?status=pending`)).body).toEqual(upper.body);
    },
  ],
  [
    5,
    'without a filter all tasks come, as a bare array',
    async ({ call, session, task }) => {
      const { id: sessionId } = await session();
      const ended = await task({ sessionId });
      await task({ sessionId });
      await call('PUT', `tasks/${ended.id}/status`, { status: 'FAILED' });
      const { status, body } = await call('GET', `sessions/${sessionId}/tasks`);
      expect([status, Array.isArray(body), body.length]).toEqual([200, true, 2]);
    },
  ],
  [
    6,
    'an unknown status filter is a 400',
    async ({ call, session }) => {
      const { id } = await session();
      expectStatus(await call('GET', `sessions/${id}/tasks?status=BOGUS`), 400);
    },
  ],
  [
    7,
    'IN_PROGRESS and PROCESSING are one status',
    async ({ call, task }) => {
      const { id, sessionId } = await task();
      await call('PUT', `tasks/${id}/status`, { status: 'IN_PROGRESS' });
      const old = await call('GET', `sessions/${sessionId}/tasks?status=IN_PROGRESS`);
      const canonical = await call('GET', `sessions/${sessionId}/tasks?status=PROCESSING`);
      expect(old.body).toHaveLength(1);
      expect(old.body).toEqual(canonical.body);
    },
  ],
  [
    8,
    'tasks come in the order in which they run: priority, then age',
    async ({ call, session, task }) => {
      const { id: sessionId } = await session();
      for (const [name, priority] of [
        ['older', 1],
        ['newer', 5],
        ['newest', 5],
      ]) {
        await task({ sessionId, name, priority });
      }
      const { body } = await call('GET', `sessions/${sessionId}/tasks?status=PENDING`);
      expect(body.map((each: { name: string }) => each.name).slice(0, 1)).toEqual(['newer']);
      expect(body.map((each: { priority: number }) => each.priority)).toEqual([5, 5, 1]);
    },
  ],
  [
    9,
    'a search finds a part of the name in any case',
    async ({ call, session }) => {
      const { id } = await session({ name: 'a Demonstration' });
      const { status, body } = await call('GET', 'sessions/search?name=DEMONS');
      expect([status, body.map((each: { id: string }) => each.id)]).toEqual([200, [id]]);
    },
  ],
  [
    10,
    'a search without a hit is an empty array',
    async ({ call }) =>
      expect(await call('GET', 'sessions/search?name=zzz')).toMatchObject({ status: 200, body: [] }),
  ],
  [
    11,
    'a partial id finds its session in any case',
    async ({ call, session }) => {
      const { id } = await session();
      const { status, body } = await call(
        'GET',
        `sessions/search/partial-id?partialId=${id.slice(0, 8).toUpperCase()}`,
      );
      expect([status, body.map((each: { id: string }) => each.id)]).toEqual([200, [id]]);
    },
  ],
  [
    12,
    'a partial id of three characters is a 400',
    async ({ call }) => {
      expectStatus(await call('GET', 'sessions/search/partial-id?partialId=292'), 400);
      expectStatus(await call('GET', 'sessions/search/partial-id'), 400);
    },
  ],
  [
    13,
    'a partial id that no id can begin with finds nothing',
    async ({ call }) => {
      const answer = await call('GET', 'sessions/search/partial-id?partialId=session-1');
      expect(answer).toMatchObject({ status: 200, body: [] });
    },
  ],
  [
    14,
    'a session is found by the workspace it is bound to',
    async ({ call, session }) => {
      const { id } = await session({ workspaceId: 'ws-14' });
      expect(await call('GET', 'sessions/by-workspace/ws-14')).toMatchObject({ status: 200, body: { id } });
      expectStatus(await call('GET', 'sessions/by-workspace/ws-none'), 404);
    },
  ],
  [
    15,
    'a new session is ACTIVE on main; unknown fields are passed over',
    async ({ call }) => {
      const body = { name: 'demo15', tags: ['a'], repositoryUrl: 'https://example.org/r.git', unknown: 1 };
      expect(await call('POST', 'sessions', body)).toMatchObject({
        status: 201,
        body: {
          status: 'ACTIVE',
          repositoryRef: 'main',
          tags: ['a'],
          repositoryUrl: 'https://example.org/r.git',
        },
      });
    },
  ],
  [
    16,
    'a name that is taken is a 409',
    async ({ call, session }) => {
      const { name } = await session();
      const answer = await call('POST', 'sessions', { name });
      expect(answer).toMatchObject({
        status: 409,
        body: {
          error: { code: 'KERUTA_ERR_SESSION_NAME_TAKEN', message: expect.stringContaining('is named') },
        },
      });
    },
  ],
  [
    17,
    'replacing a session resets what is left out and leaves its status',
    async ({ call, session }) => {
      const { id, name } = await session({ tags: ['a'], description: 'd' });
      const answer = await call('PUT', `sessions/${id}`, { name: `${name}-renamed`, status: 'COMPLETED' });
      expect(answer).toMatchObject({
        status: 200,
        body: { name: `${name}-renamed`, status: 'ACTIVE', tags: [], description: null },
      });
      expectStatus(await call('PUT', `sessions/${id}`, {}), 400);
    },
  ],
  [
    18,
    'the status of a session is not set by its status route',
    async ({ call, session }) => {
      const { id } = await session();
      const answer = await call('PUT', `sessions/${id}/status`, { status: 'COMPLETED' });
      expect(answer.status).toBe(403);
      expect(answer.body).toMatchObject({ error: expect.anything(), message: expect.any(String) });
    },
  ],
  [
    19,
    'system-status sets it, in any case',
    async ({ call, session }) => {
      const { id } = await session();
      const answer = await call('PUT', `sessions/${id}/system-status`, { status: 'completed' });
      expect(answer).toMatchObject({ status: 200, body: { status: 'COMPLETED' } });
    },
  ],
  [
    20,
    'system-status without a status is a 400',
    async ({ call, session }) => {
      const { id } = await session();
      expectStatus(await call('PUT', `sessions/${id}/system-status`, {}), 400);
      expectStatus(await call('PUT', `sessions/${id}/system-status`, { status: 'odd' }), 400);
    },
  ],
  [
    21,
    'a tag is added once and taken away',
    async ({ call, session }) => {
      const { id } = await session();
      expect(await call('POST', `sessions/${id}/tags`, { tag: 'x' })).toMatchObject({ status: 200 });
      const again = await call('POST', `sessions/${id}/tags`, { tag: 'x' });
      expect([again.status, again.body.tags]).toEqual([200, ['x']]);
      const gone = await call('DELETE', `sessions/${id}/tags/x`);
      expect([gone.status, gone.body.tags]).toEqual([200, []]);
    },
  ],
  [
    22,
    'a deleted session is gone with its tasks',
    async ({ call, task }) => {
      const { id, sessionId } = await task();
      expect(await call('DELETE', `sessions/${sessionId}`)).toMatchObject({ status: 204, body: '' });
      expectStatus(await call('GET', `sessions/${sessionId}`), 404);
      expectStatus(await call('GET', `tasks/${id}`), 404);
      expectStatus(await call('DELETE', `sessions/${sessionId}`), 404);
    },
  ],
  [
    54,
    'what waits in a workspace is a bare array',
    async ({ call, session, task }) => {
      const { id: sessionId } = await session({ workspaceId: 'ws-54' });
      const { id } = await task({ sessionId });
      const { status, body } = await call('GET', 'workspaces/ws-54/tasks/pending');
      expect([status, body.map((each: { id: string }) => each.id)]).toEqual([200, [id]]);
      expect(await call('GET', 'workspaces/ws-none/tasks/pending')).toMatchObject({ status: 200, body: [] });
    },
  ],
  [
    55,
    'health is told without a token, under every name it had',
    async ({ server }) => {
      for (const path of ['/health', '/healthz', '/api/health', '/api/v1/health']) {
        const response = await fetch(server.url + path);
        expect(response.status).toBe(200);
        expect(await response.json()).toMatchObject({ status: 'UP', health: 'healthy', reasons: [] });
      }
    },
  ],
  [
    56,
    'without a token or with a wrong one there is a 401, and health stays open',
    async ({ server, session }) => {
      const { id } = await session();
      const get = (headers: Record<string, string>) =>
        fetch(`${server.url}/api/v1/sessions/${id}`, { headers });
      const none = await get({});
      expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="keruta"']);
      expect(await none.json()).toMatchObject({ error: { code: 'KERUTA_ERR_UNAUTHENTICATED', status: 401 } });
      expect((await get({ authorization: 'Bearer krt_adm_wrong' })).status).toBe(401);
      expect((await get({ authorization: adminToken })).status).toBe(401);
      expect((await get({ authorization: `Bearer ${adminToken}` })).status).toBe(200);
      expect((await fetch(`${server.url}/health`, { headers: { authorization: 'Bearer x' } })).status).toBe(
        200,
      );
    },
  ],
  [
    57,
    'the log of a session takes lines and filters them',
    async ({ call, session }) => {
      const { id } = await session();
      const line = { level: 'INFO', source: 'user', action: 'note', message: 'm' };
      expectStatus(await call('POST', `sessions/${id}/logs`, line), 200);
      const { status, body } = await call('GET', `sessions/${id}/logs?level=INFO&source=user`);
      expect([status, body.length]).toEqual([200, 1]);
      expect(body[0]).toMatchObject({ ...line, sessionId: id, details: null, metadata: {}, userId: null });
    },
  ],
  [
    58,
    'a live reader is told connected first, then what changes',
    async ({ server, call, session }) => {
      const { id, name } = await session();
      const controller = new AbortController();
      const response = await fetch(`${server.url}/api/v1/sessions/realtime/events?sessionId=${id}`, {
        headers: { authorization: `Bearer ${adminToken}` },
        signal: controller.signal,
      });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      let text = '';
      const changed = async () => {
        for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
          if (text === '') await call('PUT', `sessions/${id}`, { name: `${name}-live` });
          text += chunk;
          if (/event: ?session_metadata_update\n(?:.*\n)*?data: ?.*\n\n/.test(text)) return;
        }
      };
      await changed();
      controller.abort();
      const names = [...text.matchAll(/^event: ?(\w+)$/gm)].map((match) => match[1]);
      expect(names[0]).toBe('connected');
      const update = /event: ?session_metadata_update\n(?:id:.*\n)?data: ?(.*)\n/.exec(text)?.[1] ?? '{}';
      expect(JSON.parse(update)).toMatchObject({
        sessionId: id,
        data: { sessionId: id, name: `${name}-live` },
      });
    },
  ],
  [
    59,
    'a document is made and found by its title',
    async ({ call }) => {
      const made = await call('POST', 'documents', { title: 'Title59', content: 'c' });
      expect([made.status, typeof made.body.id]).toEqual([200, 'string']);
      const { status, body } = await call('GET', 'documents/search?title=TITLE59');
      expect([status, body.length]).toEqual([200, 1]);
      expect(body[0]).toMatchObject({ id: made.body.id, title: 'Title59', content: 'c', tags: [] });
    },
  ],
  [
    60,
    'a repository at an ftp address is a 400',
    async ({ call }) => {
      const body = { name: 'r', url: 'ftp://x', branch: 'main', authType: 'NONE' };
      expectStatus(await call('POST', 'repositories', body), 400);
      expectStatus(await call('POST', 'repositories', { ...body, url: 'https://example.org/60' }), 200);
    },
  ],
  [
    61,
    'two slashes before the path are one',
    async ({ call, session }) => {
      const { id } = await session();
      expectStatus(await call('GET', `//api/v1/sessions/${id}`), 200);
    },
  ],
  [
    62,
    'malformed JSON is a 400, not a 500',
    async ({ call, task }) => {
      const { id } = await task();
      expectStatus(await call('POST', `tasks/${id}/logs`, '{"level":"INFO",'), 400);
    },
  ],
  [
    63,
    'an unknown path is a 404, a wrong method on a known one a 405',
    async ({ call, session }) => {
      const { id } = await session();
      expectStatus(await call('GET', 'nothing/here'), 404);
      expectStatus(await call('PATCH', `sessions/${id}`, {}), 405);
    },
  ],
];

function expectStatus(answer: { status: number; body: unknown }, status: number): void {
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  if (status >= 400) expect(answer.body).toMatchObject({ error: { code: expect.any(String), status } });
}

describe('plain protocol: sessions', () => runRows(rows));
