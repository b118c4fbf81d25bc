import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTask } from './claims-client.ts';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ parts: { maxArtifactBytes: 100_000 } });
});
afterAll(() => server.close());

const octets = { 'content-type': 'application/octet-stream' };
const ended = {
  ...{ exitCode: 0, signal: null, reason: null, controlSeq: 0, artifacts: [], usage: null },
  ...{ startedAt: '2026-01-01T00:00:00.000Z', exitedAt: '2026-01-01T00:00:01.000Z' },
};
const nothing = { size: 0, crc32: 0 };
const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('an attempt over the wire', () => {
  test('is claimed, renewed, streamed, reported and closed', async () => {
    const { task, claim } = await makeTask(server);
    const claimed = await claim('w');
    expect(claimed).toMatchObject({
      task: { id: task.id, status: 'PROCESSING' },
      attempt: { number: 1, reason: 'first', leaseMs: 45_000 },
    });
    expect(await claim()).toMatchObject({ attempt: { number: 2, reason: 'never_started' } });
    const at = `tasks/${task.id}/attempts/2`;
    expect((await server.call('POST', `tasks/${task.id}/attempts/1/renew`, {})).status).toBe(409);
    expect((await server.call('POST', `${at}/renew`, {})).body).toEqual({
      ...{ leaseMs: 45_000, cancel: false, inputs: [], timeoutMs: null },
    });
    const said = { kind: 'progress', seq: 3, at: ended.startedAt, progress: 40 };
    expect((await server.call('POST', `${at}/messages`, { messages: [said] })).body).toEqual({
      controlSeq: 3,
    });
    const stdout = `${at}/streams/stdout`;
    const patch = (offset: string | undefined, body: Uint8Array, more: Record<string, string> = {}) =>
      server.call('PATCH', stdout, body, {
        ...octets,
        ...(offset === undefined ? {} : { 'upload-offset': offset }),
        ...more,
      });
    const sent = await patch('0', Buffer.from('hello'));
    expect([sent.status, sent.headers.get('upload-offset')]).toEqual([204, '5']);
    const again = await patch('0', Buffer.from('hello'));
    expect([again.status, again.headers.get('upload-offset')]).toEqual([409, '5']);
    expect(again.body.error).toMatchObject({ code: 'KERUTA_ERR_OFFSET_MISMATCH', details: { offset: 5 } });
    expect((await patch(undefined, Buffer.from('x'))).status).toBe(400);
    expect((await patch('5', Buffer.alloc(0), { 'lost-bytes': '7' })).status).toBe(204);
    const head = await server.call('HEAD', stdout);
    expect([head.headers.get('upload-offset'), head.headers.get('lost-bytes')]).toEqual(['5', '7']);
    expect((await server.call('POST', `${at}/exited`, ended)).body).toEqual({});
    expect((await server.call('GET', `tasks/${task.id}`)).body).toMatchObject({ status: 'COMPLETED' });
    const streams = { stdout: { size: 5, crc32: crc32('hello') }, stderr: nothing };
    const early = await server.call('POST', `${at}/finish`, { ...ended, streams, controlSeq: 4 });
    expect(early.body.error).toMatchObject({
      code: 'KERUTA_ERR_ATTEMPT_UNFINISHED',
      details: { controlSeq: 3 },
    });
    const closed = await server.call('POST', `${at}/finish`, { ...ended, streams, controlSeq: 3 });
    expect(closed.body).toEqual({ status: 'COMPLETED', fixTaskId: null, willRetry: false });
    expect((await server.call('GET', `tasks/${task.id}/attempts`)).body).toMatchObject([
      { number: 1, state: 'superseded' },
      { number: 2, state: 'finished', streams: { stdout: { size: 5, lostBytes: 7 } } },
    ]);
    const log = await server.call('GET', `tasks/${task.id}/logs?format=text`);
    expect(log.body).toBe('hello');
    expect((await server.call('GET', `${at}/log?stream=stdout&from=1`)).body).toBe('ello');
    expect((await server.call('HEAD', `tasks/${task.id}/attempts/9/streams/stdout`)).status).toBe(404);
    expect((await server.call('POST', `tasks/${task.id}/retry`)).status).toBe(409);
    expect((await server.call('POST', `tasks/${task.id}/cancel`)).status).toBe(409);
  });

  test('accepts the token of its own run, and of no other', async () => {
    const { task, claim } = await makeTask(server);
    const claimed = await claim();
    const headers = { authorization: `Bearer ${claimed.attempt.token}` };
    const messages = { messages: [{ kind: 'started', seq: 1, at: ended.startedAt }] };
    const path = `tasks/${task.id}/attempts/1/messages`;
    expect((await server.call('POST', path, messages, headers)).status).toBe(200);
    expect(
      (await server.call('POST', `tasks/${task.id}/attempts/2/messages`, messages, headers)).status,
    ).toBe(403);
    const other = await makeTask(server);
    expect(
      (await server.call('POST', `tasks/${other.task.id}/attempts/1/messages`, messages, headers)).status,
    ).toBe(404);
    expect((await server.call('POST', `tasks/${task.id}/cancel`, undefined, headers)).status).toBe(403);
  });

  test('goes on where the server is after its connection was cut', async () => {
    const { task, claim } = await makeTask(server);
    await claim();
    const path = `tasks/${task.id}/attempts/1/streams/stdout`;
    await new Promise<void>((resolve) => {
      const cut = request(`${server.url}/api/v1/${path}`, {
        method: 'PATCH',
        headers: {
          ...octets,
          authorization: 'Bearer krt_adm_test-token-of-the-administrator',
          ...{ 'upload-offset': '0', 'content-length': '1000' },
        },
      });
      cut.on('error', () => resolve());
      cut.write('the first half', () => setImmediate(() => cut.destroy()));
    });
    // As an agent does it: ask for the end, send the rest, and go on at the end that an answer tells.
    const whole = Buffer.from('the first half, the second');
    let offset = Number((await server.call('HEAD', path)).headers.get('upload-offset'));
    while (offset < whole.length) {
      const headers = { ...octets, 'upload-offset': String(offset) };
      offset = Number(
        (await server.call('PATCH', path, whole.subarray(offset), headers)).headers.get('upload-offset'),
      );
    }
    expect((await server.call('GET', `tasks/${task.id}/logs?format=text`)).body).toBe(
      'the first half, the second',
    );
  });
});

describe('input and fix tasks of the plain protocol', () => {
  test('a question is put, answered and taken once', async () => {
    const { task } = await makeTask(server);
    const at = `tasks/${task.id}`;
    expect((await server.call('POST', `${at}/input`, { input: 'x' })).status).toBe(409);
    const asked = await server.call('POST', `${at}/input-request`, { prompt: 'name?' });
    expect([asked.status, asked.body.prompt, asked.body.taskId]).toEqual([200, 'name?', task.id]);
    expect((await server.call('GET', `${at}/input`)).status).toBe(204);
    expect((await server.call('POST', `${at}/input`, { input: 'x', promptId: 'another' })).status).toBe(404);
    expect((await server.call('POST', `${at}/input`, { input: 'Bob' })).body).toMatchObject({
      state: 'answered',
    });
    expect((await server.call('GET', `${at}/input`)).body).toEqual({ input: 'Bob\n' });
    expect((await server.call('GET', `${at}/input`)).status).toBe(204);
    expect((await server.call('GET', `${at}/input-requests`)).body).toMatchObject([{ state: 'delivered' }]);
    const late = { input: 'Bob', promptId: asked.body.id };
    expect((await server.call('POST', `${at}/input`, late)).status).toBe(409);
  });

  test('a failing task begets a fix task, three generations deep', async () => {
    const { task } = await makeTask(server, { priority: 2 });
    let id = task.id;
    for (let generation = 1; generation <= 3; generation++) {
      const body = { errorMessage: 'bad', errorCode: '' };
      const made = await server.call('POST', `tasks/${id}/auto-fix`, body);
      expect(made.status).toBe(201);
      expect(made.body).toMatchObject({
        name: '【自動修正】build',
        parentTaskId: id,
        priority: 2,
        fixCount: generation,
      });
      expect((await server.call('POST', `tasks/${id}/auto-fix`, body)).body.id).toBe(made.body.id);
      id = made.body.id;
    }
    const fourth = await server.call('POST', `tasks/${id}/auto-fix`, { errorMessage: 'bad', errorCode: '' });
    expect([fourth.status, fourth.body]).toEqual([200, { created: false, reason: 'MAX_FIX_COUNT' }]);
  });
});

describe('artifacts', () => {
  const form = (text: string, filename: string, fields: Record<string, string> = {}) => {
    const made = new FormData();
    made.set('file', new Blob([text], { type: 'application/octet-stream' }), filename);
    for (const [name, value] of Object.entries(fields)) made.set(name, value);
    return made;
  };

  test('S-36, S-37: are stored under an id with what the form says behind the file, listed, given out and removed', async () => {
    const { task } = await makeTask(server);
    const path = `tasks/${task.id}/artifacts`;
    const said = {
      description: 'memo',
      path: './out/r é.txt',
      mimeType: 'text/html',
      sha256: sha256('sixsix'),
    };
    const made = await server.call('POST', path, form('sixsix', 'r.txt', said));
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      ...{ name: 'r é.txt', path: 'out/r é.txt', size: 6, description: 'memo', contentType: 'text/html' },
      ...{ sha256: sha256('sixsix'), taskId: task.id },
    });
    expect((await server.call('POST', path, form('sixsix', 'r.txt', said))).body.id).toBe(made.body.id);
    expect((await server.call('GET', path)).body).toHaveLength(1);
    const given = await server.call('GET', `${path}/${made.body.id}/content`);
    expect(given.body).toBe('sixsix');
    expect(Object.fromEntries(given.headers)).toMatchObject({
      'content-disposition': `attachment; filename="r _.txt"; filename*=UTF-8''r%20%C3%A9.txt`,
      'content-length': '6',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining('sandbox'),
    });
    expect((await server.call('GET', `${path}/${made.body.id}`)).body.id).toBe(made.body.id);
    expect((await server.call('DELETE', `${path}/${made.body.id}`)).status).toBe(204);
    expect((await server.call('GET', `${path}/${made.body.id}/content`)).status).toBe(404);
    expect((await server.call('POST', path, form('sixsix', 'r.txt', said))).status).toBe(201);
    expect((await server.call('GET', path)).body).toHaveLength(1);
  });

  test('S-36: have names that are no paths', async () => {
    const { task } = await makeTask(server);
    const path = `tasks/${task.id}/artifacts`;
    expect((await server.call('POST', path, form('x', '../../x'))).body).toMatchObject({
      name: 'x',
      path: 'x',
    });
    for (const bad of ['../x', 'a/../../x', 'a\nb', 'x'.repeat(1_025), '/']) {
      expect((await server.call('POST', path, form('x', 'x', { path: bad }))).status).toBe(400);
    }
    expect((await server.call('POST', path, { path: '/abs/report.txt' })).body).toMatchObject({
      ...{ path: 'abs/report.txt', size: 0 },
    });
  });

  test('S-35: that are too large, damaged or missing are refused and leave nothing', async () => {
    const { task } = await makeTask(server);
    const path = `tasks/${task.id}/artifacts`;
    const large = await server.call('POST', path, form('x'.repeat(100_001), 'large'));
    expect([large.status, large.body.error.code]).toEqual([413, 'KERUTA_ERR_ARTIFACT_TOO_LARGE']);
    expect((await server.call('POST', path, form('x'.repeat(2_000_000), 'huge'))).status).toBe(413);
    expect((await server.call('POST', path, form('x', 'x', { sha256: sha256('y') }))).status).toBe(400);
    expect((await server.call('POST', path, form('x', 'x', { attempt: 'one' }))).status).toBe(400);
    const without = new FormData();
    without.set('description', 'no file');
    expect((await server.call('POST', path, without)).status).toBe(400);
    expect((await server.call('GET', path)).body).toEqual([]);
    expect((await server.call('POST', 'tasks/none/artifacts', form('x', 'x'))).status).toBe(404);
  });
});

describe('an upload', () => {
  const bytes = Buffer.from('0123456789');
  const wish = { attempt: 1, path: 'a/b.bin', size: 10, sha256: sha256(bytes), contentType: 'text/plain' };

  test('goes on where it was cut, and its last bytes make one artifact however often they are sent', async () => {
    const { task, claim } = await makeTask(server);
    await claim();
    const path = `tasks/${task.id}/artifacts/uploads`;
    const begun = (await server.call('POST', path, wish)).body;
    expect(begun).toMatchObject({ offset: 0, artifactId: null });
    const one = `${path}/${begun.uploadId}`;
    const patch = (from: number, to: number, body = bytes) =>
      server.call('PATCH', one, body.subarray(from, to), { ...octets, 'upload-offset': String(from) });
    expect((await patch(0, 4)).status).toBe(204);
    expect((await server.call('POST', path, wish)).body).toEqual({ ...begun, offset: 4 });
    expect((await server.call('HEAD', one)).headers.get('upload-offset')).toBe('4');
    const wrong = await patch(2, 6);
    expect([wrong.status, wrong.headers.get('upload-offset')]).toEqual([409, '4']);
    const last = await patch(4, 10);
    expect([last.status, last.body.path, last.body.size]).toEqual([201, 'a/b.bin', 10]);
    expect((await patch(4, 10)).body.id).toBe(last.body.id);
    expect((await server.call('POST', path, wish)).body).toEqual({
      ...begun,
      offset: 10,
      artifactId: last.body.id,
    });
    const content = await server.call('GET', `tasks/${task.id}/artifacts/${last.body.id}/content`);
    expect(content.body).toBe('0123456789');
    const finish = { ...ended, streams: { stdout: nothing, stderr: nothing } };
    const artifacts = [{ path: './a/b.bin', sha256: wish.sha256 }];
    const closed = await server.call('POST', `tasks/${task.id}/attempts/1/finish`, { ...finish, artifacts });
    expect(closed.status).toBe(200);
    const after = { ...wish, path: 'other' };
    expect((await server.call('POST', path, after)).body.error.code).toBe('KERUTA_ERR_ATTEMPT_SUPERSEDED');
  });

  test('with other bytes than declared begins again', async () => {
    const { task, claim } = await makeTask(server);
    await claim();
    const path = `tasks/${task.id}/artifacts/uploads`;
    const { uploadId } = (await server.call('POST', path, wish)).body;
    const patch = (body: string) =>
      server.call('PATCH', `${path}/${uploadId}`, Buffer.from(body), { ...octets, 'upload-offset': '0' });
    const wrong = await patch('abcdefghij');
    expect([wrong.status, wrong.body.error.code]).toEqual([400, 'KERUTA_ERR_ARTIFACT_DIGEST']);
    expect((await server.call('HEAD', `${path}/${uploadId}`)).headers.get('upload-offset')).toBe('0');
    expect((await patch('0123456789+')).status).toBe(400);
    await server.call('POST', path, { ...wish, path: 'too large', size: 100_001 }).then((answer) => {
      expect(answer.status).toBe(413);
    });
    const empty = (await server.call('POST', path, { ...wish, size: 0, sha256: sha256('') })).body;
    expect(empty).toMatchObject({ offset: 0, artifactId: expect.any(String) });
    expect((await server.call('HEAD', `${path}/unknown`)).status).toBe(404);
  });
});
