import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { claimingSource } from '../../../internal/api/claiming-source.ts';
import { makeTaskSource } from '../../../internal/api/make-task-source.ts';
import type { Ability, ArtifactSource } from '../../../internal/api/task-source.ts';
import { tolerantSession, tolerantTask } from '../../../internal/api/tolerant.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { type Log, silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { clientFor, errorJson, oldSession, oldTask, sessionId, taskId } from '../../fake-server/api.ts';
import { type FakeServer, faults, startFakeServer } from '../../fake-server/fake-server.ts';

let server: FakeServer;
beforeEach(async () => {
  server = await startFakeServer();
});
afterEach(() => server.close());

const signal = new AbortController().signal;
const session = tolerantSession.parse(oldSession);
const attempt = { number: 3, reason: 'retry', leaseMs: 45_000, token: 'krt_run' };
const claimed = { json: { claim: { task: tolerantTask.parse(oldTask), attempt }, session } };
const claimPath = '/api/v1/sessions/:id/claim';
const source = (
  abilities: Ability[] = ['claim', 'streams', 'messages', 'uploads'],
  log: Pick<Log, 'info'> = silentLog,
) =>
  claimingSource({
    client: clientFor(server.url),
    random: systemRandom,
    log,
    abilities: new Set(abilities),
    sessionId,
    agentId: 'agent',
    agent: { hostname: 'h', version: '1' },
  });
const claimIds = () => server.requests.map((request) => (request.json as { claimId: string }).claimId);

describe('a claim', () => {
  test('gives task, attempt, lease and token', async () => {
    server.route('POST', claimPath, claimed);
    const claim = await source().claimNext({ waitMs: 0 }, signal);
    expect(claim).toMatchObject({
      task: { id: taskId },
      attempt: 3,
      reason: 'retry',
      leaseMs: 45_000,
      token: 'krt_run',
    });
    expect(server.requests[0]!.json).toMatchObject({ agentId: 'agent', waitMs: 0, agent: { hostname: 'h' } });
  });

  test('whose answer was lost is made again under the same id, and the next wish under another', async () => {
    const one = source();
    server.route(
      'POST',
      claimPath,
      faults.lost(() => {}),
      claimed,
    );
    await expect(one.claimNext({ waitMs: 0 }, signal)).rejects.toThrow();
    await one.claimNext({ waitMs: 0 }, signal);
    await one.claimNext({ waitMs: 0 }, signal);
    await one.claimNext({ waitMs: 0, claimId: 'mine' }, signal);
    const [first, second, third, fourth] = claimIds();
    expect([second === first, third === first, fourth]).toEqual([true, false, 'mine']);
  });

  test('that another agent is in the way of says so in the log, once for each task', async () => {
    const held = (taskId: string) => ({
      json: { claim: null, session, heldBy: { agentId: 'other', taskId } },
    });
    const free = { json: { claim: null, session, heldBy: null } };
    server.route('POST', claimPath, held('one'), held('one'), held('two'), free, held('two'));
    const lines: unknown[] = [];
    const one = source(['claim'], { info: (message, what) => void lines.push([message, what]) });
    for (let n = 0; n < 5; n++) expect(await one.claimNext({ waitMs: 0 }, signal)).toBeNull();
    const line = (taskId: string) => [
      expect.stringContaining('this one waits'),
      { agentId: 'other', taskId },
    ];
    expect(lines).toEqual([line('one'), line('two'), line('two')]);
  });

  test('is null while there is nothing, and tells when the session has ended', async () => {
    const ended = { ...session, status: 'COMPLETED' };
    const closed = { status: 409, json: errorJson('KERUTA_ERR_SESSION_CLOSED') };
    server.route(
      'POST',
      claimPath,
      { json: { claim: null, session } },
      { json: { claim: null, session: ended } },
      closed,
      { status: 409 },
    );
    server.route('GET', '/api/v1/sessions/:id', { json: ended });
    expect(await source().claimNext({ waitMs: 0 }, signal)).toBeNull();
    expect(await source().claimNext({ waitMs: 0 }, signal)).toMatchObject({ ended: 'COMPLETED' });
    expect(await source().claimNext({ waitMs: 0 }, signal)).toMatchObject({ ended: 'COMPLETED' });
    await expect(source().claimNext({ waitMs: 0 }, signal)).rejects.toMatchObject({
      code: 'KERUTA_ERR_TRANSITION',
    });
  });
});

test('a reporter speaks for its attempt', async () => {
  const base = '/api/v1/tasks/:id/attempts/3';
  const at = (offset: number) => ({ status: 204, headers: { 'upload-offset': String(offset) } });
  server.route('POST', `${base}/renew`, {
    json: { leaseMs: 45_000, cancel: true, inputs: [], timeoutMs: null },
  });
  server.route('POST', `${base}/messages`, { json: { controlSeq: 2 } });
  server.route('HEAD', `${base}/streams/stdout`, { ...at(2), status: 200 });
  server.route('PATCH', `${base}/streams/stdout`, at(4), at(9));
  server.route('POST', `${base}/exited`, { json: {} });
  server.route('POST', `${base}/finish`, {
    json: { status: 'COMPLETED', fixTaskId: null, willRetry: false },
  });
  const reporter = source().reporter({ taskId, attempt: 3 });
  expect(await reporter.renew({ waitMs: 5, deliveredInputs: ['i'] }, signal)).toMatchObject({ cancel: true });
  const instant = '2026-01-01T00:00:00.000Z';
  expect(await reporter.sendMessages([{ kind: 'started', seq: 2, at: instant }], signal)).toBe(2);
  expect(await reporter.headStream('stdout', signal)).toEqual({ offset: 2, durableOffset: 2 });
  const chunk = { stream: 'stdout', offset: 2, bytes: Buffer.from('ab') } as const;
  expect(await reporter.patchStream(chunk, signal)).toEqual({ offset: 4, durableOffset: 4 });
  expect(await reporter.declareLost({ stream: 'stdout', offset: 4, bytes: 5 }, signal)).toMatchObject({
    offset: 9,
  });
  const end = { exitCode: 0, signal: null, reason: null, startedAt: instant, exitedAt: instant };
  await reporter.exited(end, signal);
  const streams = { stdout: { size: 9, crc32: 0 }, stderr: { size: 0, crc32: 0 } };
  const report = { ...end, controlSeq: 2, streams, artifacts: [], usage: null, declared: null };
  expect(await reporter.finish(report, signal)).toMatchObject({ status: 'COMPLETED' });
  expect(server.requests.at(-1)!.json).not.toHaveProperty('declared');
});

describe('an artifact', () => {
  const content = Buffer.alloc(9 * 1024 * 1024, 'artifact');
  const artifactOf = (bytes: Buffer): ArtifactSource => ({
    path: 'a.bin',
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    contentType: 'application/octet-stream',
    description: '',
    unstable: false,
    open: async function* (offset) {
      for (let at = offset; at < bytes.length; at += 1_000_000) yield bytes.subarray(at, at + 1_000_000);
    },
  });
  const upload = (bytes: Buffer, abilities?: Ability[]) =>
    source(abilities).reporter({ taskId, attempt: 3 }).uploadArtifact(artifactOf(bytes), signal);
  const begin = '/api/v1/tasks/:id/artifacts/uploads';

  /** Keeps bytes at offsets as the real server does; `have` are there from before. */
  const keep = (bytes: Buffer, have: number) => {
    let got = bytes.subarray(0, have);
    server.route('PATCH', `${begin}/u`, ({ headers, body }) => {
      const at = { 'upload-offset': String(got.length) };
      if (Number(headers['upload-offset']) !== got.length) return { status: 409, headers: at };
      got = Buffer.concat([got, body]);
      if (got.length < bytes.length) return { status: 204, headers: { 'upload-offset': String(got.length) } };
      return got.equals(bytes) ? { status: 201, json: { id: 'done' } } : { status: 400 };
    });
  };

  test.each([
    ['from the beginning', 0, 0],
    ['where an upload was broken off', 5_000_000, 5_000_000],
    ['at the offset that the server corrects', 5_000_000, 0],
  ])('is sent in pieces %s', async (_what, have, begunAt) => {
    server.route('POST', begin, { json: { uploadId: 'u', offset: begunAt, artifactId: null } });
    keep(content, have);
    expect(await upload(content)).toBe('done');
  });

  test('that is empty is completed by one empty piece', async () => {
    server.route('POST', begin, { json: { uploadId: 'u', offset: 0, artifactId: null } });
    keep(Buffer.alloc(0), 0);
    expect(await upload(Buffer.alloc(0))).toBe('done');
  });

  test('that is there already is not sent', async () => {
    server.route('POST', begin, { json: { uploadId: 'u', offset: 0, artifactId: 'old' } });
    expect(await upload(content)).toBe('old');
    expect(server.requests).toHaveLength(1);
  });

  test('is given up when the server never agrees on an offset', async () => {
    server.route('POST', begin, { json: { uploadId: 'u', offset: 0, artifactId: null } });
    server.route('PATCH', `${begin}/u`, { status: 409, headers: { 'upload-offset': '1' } });
    await expect(upload(content)).rejects.toMatchObject({ code: 'KERUTA_ERR_OFFSET_MISMATCH' });
  });

  test('whose last piece is answered strangely is worth another try', async () => {
    server.route('POST', begin, { json: { uploadId: 'u', offset: 0, artifactId: null } });
    server.route('PATCH', `${begin}/u`, { status: 201, text: 'thanks' });
    await expect(upload(Buffer.from('x'))).rejects.toMatchObject({ code: 'KERUTA_ERR_API_ANSWER' });
  });

  test('goes as a form where uploads in pieces are not known', async () => {
    server.route('POST', '/api/v1/tasks/:id/artifacts', { status: 201, json: { id: 'form' } });
    expect(await upload(Buffer.from('x'), ['claim'])).toBe('form');
  });
});

test('the source fits the server', () => {
  const parts = {
    client: clientFor(server.url),
    random: systemRandom,
    clock: systemClock,
    log: silentLog,
    agentId: 'a',
    agent: { hostname: 'h', version: '1' },
    workspaceId: 'w',
  };
  const abilities = new Set<Ability>(['claim']);
  expect(makeTaskSource({ ...parts, sessionId, abilities }).abilities.has('claim')).toBe(true);
  expect(makeTaskSource({ ...parts, sessionId: null, abilities }).abilities.size).toBe(0);
  expect(makeTaskSource({ ...parts, sessionId, abilities: new Set() }).abilities.size).toBe(0);
  expect(() => makeTaskSource({ ...parts, sessionId: null, workspaceId: null, abilities })).toThrow(
    'KERUTA_SESSION_ID',
  );
});
