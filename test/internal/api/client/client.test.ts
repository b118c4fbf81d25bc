import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ApiClient } from '../../../../internal/api/client/client.ts';
import type { ArtifactSource } from '../../../../internal/api/task-source.ts';
import { clientFor, errorJson, oldSession, oldTask, sessionId, taskId } from '../../../fake-server/api.ts';
import { type FakeServer, startFakeServer } from '../../../fake-server/fake-server.ts';

let server: FakeServer;
let client: ApiClient;
beforeEach(async () => {
  server = await startFakeServer();
  client = clientFor(server.url);
});
afterEach(() => server.close());

const last = () => server.requests.at(-1)!;
const collect = async (stream: AsyncIterable<Uint8Array>) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

describe('a session', () => {
  test.each([[[2025, 9, 7, 22, 36, 8, 123_456_000]], [1757284568.5], [null], [undefined]])(
    'of an older server is read with createdAt %j',
    async (createdAt) => {
      server.route('GET', '/api/v1/sessions/:id', { json: { ...oldSession, createdAt, more: [1] } });
      const session = await client.sessions.get(sessionId);
      expect(session).toMatchObject({ id: sessionId, tags: [], repositoryRef: 'main', templateConfig: null });
      expect(Date.parse(session.createdAt)).not.toBeNaN();
    },
  );

  test('is made, listed, looked for, closed and deleted', async () => {
    server.route('POST', '/api/v1/sessions', { status: 201, json: oldSession });
    server.route('GET', '/api/v1/sessions', { json: [oldSession] });
    server.route('GET', '/api/v1/sessions/search', { json: [oldSession] });
    server.route('GET', '/api/v1/sessions/search/partial-id', { json: [] });
    server.route('GET', '/api/v1/sessions/by-workspace/:id', { json: oldSession });
    server.route('PUT', '/api/v1/sessions/:id/system-status', {
      json: { ...oldSession, status: 'completed' },
    });
    server.route('DELETE', '/api/v1/sessions/:id', { status: 204 });
    expect((await client.sessions.create({ name: 'demo' })).name).toBe('demo');
    expect(await client.sessions.list()).toHaveLength(1);
    await client.sessions.search('a b&c');
    expect(last().query.get('name')).toBe('a b&c');
    expect(await client.sessions.partialId('2922')).toEqual([]);
    expect((await client.sessions.byWorkspace('w/1')).id).toBe(sessionId);
    expect(last().params.id).toBe('w/1');
    expect((await client.sessions.close(sessionId)).status).toBe('COMPLETED');
    expect(last().json).toEqual({ status: 'COMPLETED' });
    await client.sessions.delete(sessionId);
  });

  test('whose name is taken is a conflict of its own', async () => {
    server.route('POST', '/api/v1/sessions', { status: 409 });
    await expect(client.sessions.create({ name: 'demo' })).rejects.toMatchObject({
      code: 'KERUTA_ERR_SESSION_NAME_TAKEN',
    });
  });
});

describe('a task', () => {
  test('of an older server is read with the names of today', async () => {
    const json = { id: 5, queueId: 's', title: 'build', status: 'in_progress', parentId: 'p', priority: '?' };
    server.route('GET', '/api/v1/tasks/:id', { json });
    expect(await client.tasks.get('5')).toMatchObject({
      id: '5',
      sessionId: 's',
      name: 'build',
      title: 'build',
      status: 'PROCESSING',
      parentTaskId: 'p',
      priority: 0,
      parameters: {},
      startedAt: null,
    });
  });

  test('is made under an idempotency key, the caller’s or a new one', async () => {
    server.route('POST', '/api/v1/tasks', { status: 201, json: oldTask });
    await client.tasks.create({ sessionId, name: 'x' }, { idempotencyKey: 'k' });
    expect(last().headers['idempotency-key']).toBe('k');
    await client.tasks.create({ sessionId, name: 'x' });
    expect(last().headers['idempotency-key']).toHaveLength(36);
    expect(last().json).toEqual({ sessionId, name: 'x' });
  });

  test('is steered by its verbs', async () => {
    for (const verb of ['cancel', 'retry'])
      server.route('POST', `/api/v1/tasks/:id/${verb}`, { json: oldTask });
    for (const verb of ['input', 'input-request'])
      server.route('POST', `/api/v1/tasks/:id/${verb}`, { json: {} });
    server.route('GET', '/api/v1/tasks', { json: [oldTask] });
    server.route('GET', '/api/v1/tasks/:id/input-requests', { json: [] });
    server.route('DELETE', '/api/v1/tasks/:id', { status: 204 });
    expect(await client.tasks.list()).toHaveLength(1);
    await client.tasks.cancel(taskId);
    await client.tasks.retry(taskId);
    await client.tasks.input(taskId, { input: 'Bob' });
    expect(last().json).toEqual({ input: 'Bob' });
    await client.tasks.requestInput(taskId, 'name?');
    expect(last().json).toEqual({ prompt: 'name?' });
    expect(await client.tasks.inputRequests(taskId)).toEqual([]);
    await client.tasks.delete(taskId);
    expect(server.requests).toHaveLength(7);
  });

  test('gets its status, and the answer may be empty', async () => {
    server.route(
      'PUT',
      '/api/v1/tasks/:id/status',
      { status: 200 },
      { json: { ...oldTask, status: 'COMPLETED' } },
    );
    expect(await client.tasks.setStatus(taskId, { status: 'COMPLETED' })).toBeNull();
    expect((await client.tasks.setStatus(taskId, { status: 'COMPLETED' }))?.status).toBe('COMPLETED');
  });

  test('has an answer only when the server says 200 with one', async () => {
    server.route('GET', '/api/v1/tasks/:id/input', { status: 204 }, { json: { input: 'Bob\n' } });
    expect(await client.tasks.pollInput(taskId)).toBeNull();
    expect(await client.tasks.pollInput(taskId)).toBe('Bob\n');
  });

  test('begets a fix task, or none at the limit', async () => {
    const none = { json: { created: false, reason: 'MAX_FIX_COUNT' } };
    server.route(
      'POST',
      '/api/v1/tasks/:id/auto-fix',
      { status: 201, json: { ...oldTask, id: 'fix' } },
      none,
    );
    const failure = { errorMessage: 'bad', errorCode: '' };
    expect(await client.tasks.autoFix(taskId, failure)).toBe('fix');
    expect(await client.tasks.autoFix(taskId, failure)).toBeNull();
  });

  test('gives its script in one text or three', async () => {
    const script = { content: 'echo hi', parameters: { env: { A: 1, B: 'b', C: null } } };
    const three = {
      script: { installScript: 'make', executeScript: 'run', cleanupScript: 'rm x' },
      environment: { D: 'd' },
    };
    const partial = { script: { executeScript: 'run' } };
    server.route(
      'GET',
      '/api/v1/tasks/:id/script',
      { json: { success: true, script } },
      { json: three },
      { json: partial },
      { json: { script: {} } },
    );
    expect(await client.tasks.script(taskId)).toEqual({
      content: 'echo hi',
      environment: { A: '1', B: 'b' },
    });
    const joined = await client.tasks.script(taskId);
    expect(joined.environment).toEqual({ D: 'd' });
    expect(joined.content).toBe(
      '#!/usr/bin/env bash\ncleanup() {\n(\nrm x\n)\n}\ntrap cleanup EXIT\n(\nmake\n) || exit\n(\nrun\n) || exit\n',
    );
    expect((await client.tasks.script(taskId)).content).toBe('#!/usr/bin/env bash\n(\nrun\n) || exit\n');
    expect((await client.tasks.script(taskId)).content).toBe('');
  });
});

describe('logs', () => {
  test('are sent one by one or in batches, and read as a list or a page', async () => {
    server.route('POST', '/api/v1/tasks/:id/logs', { status: 201, json: {} });
    server.route('POST', '/api/v1/tasks/:id/logs/batch', { json: { status: 'ok' } });
    const line = { level: 'INFO', message: 'one' };
    await client.logs.post(taskId, line);
    await client.logs.postBatch(taskId, [line, line]);
    expect(last().json).toEqual({ logs: [line, line] });
    server.route(
      'GET',
      '/api/v1/tasks/:id/logs',
      { json: [line] },
      { json: { content: [line], totalPages: 1 } },
    );
    expect(await client.logs.list(taskId)).toMatchObject([{ source: 'task', message: 'one' }]);
    expect(await client.logs.list(taskId, { level: 'INFO' })).toHaveLength(1);
    expect(last().query.get('level')).toBe('INFO');
  });

  test('come as raw text, and a break in the middle is an UnavailableError', async () => {
    const stream = async (send: (text: string) => void) => send('all\nof it');
    server.route('GET', '/api/v1/tasks/:id/logs', { stream }, { fault: 'cut', text: 'x'.repeat(100) });
    expect(await collect(await client.logs.rawText(taskId, { stream: 'stdout' }))).toBe('all\nof it');
    expect([last().query.get('format'), last().query.get('stream')]).toEqual(['text', 'stdout']);
    const cut = await client.logs.rawText(taskId);
    await expect(collect(cut)).rejects.toMatchObject({ code: 'KERUTA_ERR_API_UNAVAILABLE' });
  });
});

describe('artifacts', () => {
  const artifact: ArtifactSource = {
    path: 'out/a "b".txt',
    size: 6,
    sha256: 'ab',
    contentType: 'text/plain',
    description: 'メモ',
    unstable: false,
    open: async function* () {
      yield Buffer.from('hello\n');
    },
  };

  test('go out as a form with the fields before the file', async () => {
    server.route(
      'POST',
      '/api/v1/tasks/:id/artifacts',
      { status: 201, json: { id: 'x', size: 6 } },
      { status: 200 },
    );
    expect(await client.artifacts.upload(taskId, artifact)).toMatchObject({ id: 'x', size: 6 });
    const { headers, body } = last();
    const form = await new Response(new Uint8Array(body), {
      headers: { 'content-type': headers['content-type']! },
    }).formData();
    expect([...form.keys()]).toEqual(['description', 'path', 'sha256', 'mimeType', 'file']);
    expect([form.get('description'), form.get('path')]).toEqual(['メモ', 'out/a "b".txt']);
    const file = form.get('file') as File;
    expect([file.name, file.type, await file.text()]).toEqual(['a "b".txt', 'text/plain', 'hello\n']);
    expect(await client.artifacts.upload(taskId, artifact)).toBeNull();
  });

  test('arrive in the form as they are, also when the file gives its pieces in one place again and again', async () => {
    server.route('POST', '/api/v1/tasks/:id/artifacts', { status: 200 });
    const piece = Buffer.alloc(64 * 1024);
    const pieces = 200;
    const open = async function* () {
      for (let number = 0; number < pieces; number++) yield piece.fill(number);
    };
    await client.artifacts.upload(taskId, { ...artifact, size: pieces * piece.length, open });
    const sent = Array.from({ length: pieces }, (_, number) => Buffer.alloc(piece.length, number));
    expect(last().body.includes(Buffer.concat(sent))).toBe(true);
  });

  test('are listed, read and deleted', async () => {
    server.route('GET', '/api/v1/tasks/:id/artifacts', {
      json: [{ id: 'x', filename: 'a.txt', mimeType: 'text/html' }],
    });
    server.route('GET', '/api/v1/tasks/:id/artifacts/:a/content', {
      text: '<html>',
      headers: { 'content-type': 'text/html' },
    });
    server.route('DELETE', '/api/v1/tasks/:id/artifacts/:a', { status: 204 }, { status: 404 });
    expect(await client.artifacts.list(taskId)).toMatchObject([
      { name: 'a.txt', path: 'a.txt', contentType: 'text/html' },
    ]);
    expect(await collect(await client.artifacts.content(taskId, 'x'))).toBe('<html>');
    await client.artifacts.delete(taskId, 'x');
    await expect(client.artifacts.delete(taskId, 'x')).rejects.toMatchObject({
      code: 'KERUTA_ERR_ARTIFACT_NOT_FOUND',
    });
  });
});

describe('the server', () => {
  test('tells health without a token, agents and tokens with it', async () => {
    server.route(
      'GET',
      '/api/v1/health',
      { json: { status: 'UP', abilities: ['claim'] } },
      { json: { status: 'UP' } },
    );
    server.route('GET', '/api/v1/agents', { json: [] });
    server.route('GET', '/api/v1/tokens', { json: [] });
    server.route('POST', '/api/v1/tokens', { status: 201, json: { token: 'krt_new', id: '1' } });
    server.route('DELETE', '/api/v1/tokens/:id', { status: 204 });
    expect((await client.health.check()).abilities).toEqual(['claim']);
    expect(last().headers.authorization).toBeUndefined();
    expect((await client.health.check()).abilities).toEqual([]);
    expect([await client.agents.list(), await client.tokens.list()]).toEqual([[], []]);
    expect(await client.tokens.create({ scope: 'admin' })).toEqual({ token: 'krt_new', id: '1' });
    await client.tokens.revoke('1');
    expect(last().headers.authorization).toBe('Bearer krt_test');
  });
});

describe('an attempt', () => {
  const name = { taskId, attempt: 2 };
  const base = '/api/v1/tasks/:id/attempts/2';

  test('sends bytes at an offset and learns where the next ones go', async () => {
    const at = (offset: string, status = 204) => ({ status, headers: { 'upload-offset': offset } });
    const stream = `${base}/streams/stdout`;
    server.route('HEAD', stream, at('3', 200));
    server.route(
      'PATCH',
      stream,
      at('5'),
      { ...at('4', 409), json: errorJson('KERUTA_ERR_OFFSET_MISMATCH') },
      at('15'),
      { status: 204 },
    );
    expect(await client.attempts.headStream(name, 'stdout')).toBe(3);
    const chunk = { stream: 'stdout', offset: 3, bytes: Buffer.from('ab') } as const;
    expect(await client.attempts.patchStream(name, chunk)).toBe(5);
    expect([last().headers['upload-offset'], last().body.toString()]).toEqual(['3', 'ab']);
    await expect(client.attempts.patchStream(name, chunk)).rejects.toMatchObject({
      code: 'KERUTA_ERR_OFFSET_MISMATCH',
      details: { offset: 4 },
    });
    expect(await client.attempts.declareLost(name, { stream: 'stdout', offset: 5, bytes: 10 })).toBe(15);
    expect(last().headers['lost-bytes']).toBe('10');
    await expect(client.attempts.patchStream(name, chunk)).rejects.toMatchObject({
      code: 'KERUTA_ERR_API_ANSWER',
    });
  });

  test('that was replaced is refused as superseded, also by a HEAD without a body', async () => {
    server.route('HEAD', `${base}/streams/stderr`, { status: 409 });
    server.route('POST', `${base}/exited`, { status: 409, json: errorJson('KERUTA_ERR_ATTEMPT_SUPERSEDED') });
    const superseded = { code: 'KERUTA_ERR_ATTEMPT_SUPERSEDED' };
    await expect(client.attempts.headStream(name, 'stderr')).rejects.toMatchObject(superseded);
    const end = {
      exitCode: 0,
      signal: null,
      reason: null,
      startedAt: '2026-01-01T00:00:00Z',
      exitedAt: '2026-01-01T00:00:00Z',
    };
    await expect(client.attempts.exited(name, end)).rejects.toMatchObject(superseded);
  });
});
