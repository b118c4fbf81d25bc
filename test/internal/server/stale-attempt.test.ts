import { createHash } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { makeTask } from './claims-client.ts';
import { startServer } from './start-server.ts';

const ended = {
  ...{ exitCode: 0, signal: null, reason: null, controlSeq: 0, artifacts: [], usage: null },
  ...{ startedAt: '2026-01-01T00:00:00.000Z', exitedAt: '2026-01-01T00:00:01.000Z' },
};
const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex');
const nothing = { size: 0, crc32: 0 };

test('S-06: an attempt that was replaced can renew, say, write, hand in and finish nothing: its agent gets 409, its token 401, and the new one ends as it says', async () => {
  const server = await startServer();
  onTestFinished(() => server.close());
  const { task, claim } = await makeTask(server);
  const old = await claim('one');
  const uploads = `tasks/${task.id}/artifacts/uploads`;
  const wish = { attempt: 1, path: 'a.bin', size: 2, sha256: sha256Of('ab'), contentType: 'text/plain' };
  const begun = (await server.call('POST', uploads, wish)).body;
  const cut = { 'content-type': 'application/octet-stream', 'upload-offset': '0' };
  const half = await server.call('PATCH', `${uploads}/${begun.uploadId}`, Buffer.from('a'), cut);
  expect(half.status).toBe(204);
  const fresh = await claim('two');
  expect([old.attempt.number, fresh.attempt.number]).toEqual([1, 2]);
  const at = `tasks/${task.id}/attempts/1`;
  const messages = [{ kind: 'progress', seq: 1, at: ended.startedAt, progress: 90 }];
  const form = new FormData();
  form.set('attempt', '1');
  form.set('file', new File(['x'], 'x.txt'));
  const offset = { 'content-type': 'application/octet-stream', 'upload-offset': '0' };
  const calls = [
    ['POST', `${at}/renew`, {}],
    ['POST', `${at}/messages`, { messages }],
    ['PATCH', `${at}/streams/stdout`, Buffer.from('old'), offset],
    ['POST', `tasks/${task.id}/artifacts`, form],
    ['POST', uploads, { ...wish, path: 'b.bin' }],
    ['POST', uploads, wish],
    // the bytes that would make it whole
    ['PATCH', `${uploads}/${begun.uploadId}`, Buffer.from('b'), { ...offset, 'upload-offset': '1' }],
    ['POST', `${at}/exited`, ended],
    ['POST', `${at}/finish`, { ...ended, streams: { stdout: nothing, stderr: nothing } }],
  ] as const;
  const before = (await server.call('GET', `tasks/${task.id}`)).body;
  for (const [method, path, body, headers = {}] of calls) {
    // the token of its run is good for nothing any more
    const authorization = `Bearer ${old.attempt.token}`;
    const byRun = await server.call(method, path, body, { ...headers, authorization });
    expect([path, byRun.status]).toEqual([path, 401]);
    const byAgent = await server.call(method, path, body, headers);
    const code = byAgent.body.error?.code;
    expect([path, byAgent.status, code]).toEqual([path, 409, 'KERUTA_ERR_ATTEMPT_SUPERSEDED']);
  }
  expect((await server.call('GET', `tasks/${task.id}`)).body).toEqual(before);
  expect((await server.call('GET', `tasks/${task.id}/artifacts`)).body).toEqual([]);
  expect((await server.call('GET', `tasks/${task.id}/logs?format=text`)).body).toBe('');
  const own = `tasks/${task.id}/attempts/2`;
  const failed = { ...ended, exitCode: 3 };
  expect((await server.call('POST', `${own}/exited`, failed)).status).toBe(200);
  const streams = { stdout: nothing, stderr: nothing };
  expect((await server.call('POST', `${own}/finish`, { ...failed, streams })).status).toBe(200);
  expect((await server.call('GET', `tasks/${task.id}`)).body).toMatchObject({
    status: 'FAILED',
    exitCode: 3,
  });
});
