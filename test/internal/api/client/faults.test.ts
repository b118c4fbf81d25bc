import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ConflictError,
  DeniedError,
  InputError,
  type KerutaError,
  NotFoundError,
  UnavailableError,
} from '../../../../internal/domain/errors.ts';
import { TestClock } from '../../../../pkg/clock/test-clock.ts';
import { makeHttp } from '../../../../pkg/http/http.ts';
import { clientFor, errorJson, oldTask, taskId, until } from '../../../fake-server/api.ts';
import {
  type FakeAnswer,
  type FakeServer,
  faults,
  startFakeServer,
} from '../../../fake-server/fake-server.ts';

let server: FakeServer;
const path = '/api/v1/tasks/:id';
beforeEach(async () => {
  server = await startFakeServer();
});
afterEach(() => server.close());

const failing = async (...replies: FakeAnswer[]): Promise<KerutaError> => {
  server.route('GET', path, ...replies);
  return clientFor(server.url)
    .tasks.get(taskId)
    .then(
      () => Promise.reject(new Error('it succeeded')),
      (error: KerutaError) => error,
    );
};

describe('an answer', () => {
  test.each<[string, FakeAnswer, new (...args: never[]) => KerutaError, string]>([
    ['401', { status: 401 }, DeniedError, 'KERUTA_ERR_UNAUTHENTICATED'],
    ['403', { status: 403, json: { error: 'no', message: 'x' } }, DeniedError, 'KERUTA_ERR_FORBIDDEN'],
    ['404 without body', { status: 404 }, NotFoundError, 'KERUTA_ERR_TASK_NOT_FOUND'],
    [
      '404 with a code of another server',
      { status: 404, json: errorJson('RESOURCE_NOT_FOUND') },
      NotFoundError,
      'KERUTA_ERR_TASK_NOT_FOUND',
    ],
    [
      '404 with a code of ours',
      { status: 404, json: errorJson('KERUTA_ERR_SESSION_NOT_FOUND') },
      NotFoundError,
      'KERUTA_ERR_SESSION_NOT_FOUND',
    ],
    [
      '404 with a code of another kind',
      { status: 404, json: errorJson('KERUTA_ERR_BAD_BODY') },
      NotFoundError,
      'KERUTA_ERR_TASK_NOT_FOUND',
    ],
    ['405', { status: 405 }, NotFoundError, 'KERUTA_ERR_METHOD'],
    ['409', { status: 409 }, ConflictError, 'KERUTA_ERR_TRANSITION'],
    [
      '409 with an offset',
      { status: 409, headers: { 'upload-offset': '7' } },
      ConflictError,
      'KERUTA_ERR_OFFSET_MISMATCH',
    ],
    ['400 with an empty list', { status: 400, json: [] }, InputError, 'KERUTA_ERR_BAD_BODY'],
    ['413', { status: 413 }, InputError, 'KERUTA_ERR_BODY_TOO_LARGE'],
    ['408', { status: 408 }, UnavailableError, 'KERUTA_ERR_API_UNAVAILABLE'],
    ['429', faults.tooMany(7), UnavailableError, 'KERUTA_ERR_API_UNAVAILABLE'],
    ['500', faults.error500, UnavailableError, 'KERUTA_ERR_API_UNAVAILABLE'],
    [
      '507 with a code of ours',
      { status: 507, json: errorJson('KERUTA_ERR_DISK_FULL') },
      UnavailableError,
      'KERUTA_ERR_DISK_FULL',
    ],
    [
      '302',
      { status: 302, headers: { location: 'http://login' } },
      UnavailableError,
      'KERUTA_ERR_API_ANSWER',
    ],
    ['200 with a web page', faults.html, UnavailableError, 'KERUTA_ERR_API_ANSWER'],
    ['200 with half an object', faults.halfJson, UnavailableError, 'KERUTA_ERR_API_ANSWER'],
    ['200 with something else', { json: ['x'] }, UnavailableError, 'KERUTA_ERR_API_ANSWER'],
    ['204', { status: 204 }, UnavailableError, 'KERUTA_ERR_API_ANSWER'],
    ['200 that is cut', faults.cut, UnavailableError, 'KERUTA_ERR_API_UNAVAILABLE'],
  ])('%s becomes its error', async (_what, answer, kind, code) => {
    const error = await failing(answer);
    expect(error).toBeInstanceOf(kind);
    expect(error.code).toBe(code);
  });

  test('keeps status, code, details, offset and Retry-After for programs', async () => {
    const json = errorJson('SOMETHING', 'too fast.', { hint: 1 });
    const headers = { 'retry-after': '2', 'upload-offset': '9' };
    const error = await failing({ status: 429, json, headers });
    expect(error.details).toEqual({
      status: 429,
      serverCode: 'SOMETHING',
      hint: 1,
      retryAfterMs: 2000,
      offset: 9,
    });
    expect(error.message).toBe(`GET ${server.url}/api/v1/tasks/${taskId} answered 429: too fast.`);
  });

  test('that is strange is quoted in one short line, without tokens', async () => {
    const error = await failing({ text: `{"token":"krt_abc-DEF"}\n${'あ'.repeat(300)}` });
    expect(error.message).toContain('krt_***');
    expect(error.message).not.toContain('krt_abc');
    expect(error.message).not.toContain('\n');
    expect(Buffer.byteLength(error.message)).toBeLessThan(600);
    expect(error.message).toContain('KERUTA_API_URL');
  });

  test('that is an error keeps its status and code, however long it is', async () => {
    const long = await failing({ status: 403, text: `no ${'x'.repeat(40_000_000)}` });
    expect(long).toBeInstanceOf(DeniedError);
    expect(Buffer.byteLength(long.message)).toBeLessThan(600);
    const json = errorJson('KERUTA_ERR_SESSION_NOT_FOUND', 'gone', { list: 'x'.repeat(200_000) });
    expect((await failing({ status: 404, json })).code).toBe('KERUTA_ERR_SESSION_NOT_FOUND');
  });

  test('to what a run says is taken up to 1 MiB, for there is one of them for each piece of output', async () => {
    const stream = '/api/v1/tasks/:id/attempts/1/streams/stdout';
    const headers = { 'upload-offset': '1' };
    const send = () =>
      clientFor(server.url).attempts.patchStream(
        { taskId, attempt: 1 },
        { stream: 'stdout', offset: 0, bytes: Buffer.from('x') },
      );
    server.route('PATCH', stream, { headers, text: '1'.repeat(1024 ** 2) });
    expect(await send()).toBe(1);
    server.route('PATCH', stream, { headers, text: '1'.repeat(1024 ** 2 + 1) });
    await expect(send()).rejects.toMatchObject({
      code: 'KERUTA_ERR_API_ANSWER',
      message: expect.stringContaining('1048576 bytes'),
    });
  });

  test('with a web page is no success where the body does not matter either', async () => {
    server.route('PUT', '/api/v1/tasks/:id/status', faults.html);
    await expect(clientFor(server.url).tasks.setStatus(taskId, { status: 'FAILED' })).rejects.toMatchObject({
      code: 'KERUTA_ERR_API_ANSWER',
    });
  });
});

describe('a server that is away', () => {
  test('is named, with what to check', async () => {
    await server.refuse();
    const error = await clientFor(server.url)
      .tasks.get(taskId)
      .catch((thrown: KerutaError) => thrown);
    expect(error).toMatchObject({ code: 'KERUTA_ERR_API_UNAVAILABLE', details: { cause: 'ECONNREFUSED' } });
    expect((error as Error).message).toContain(`Check that the server runs at ${server.url}`);
  });

  test('is given up at the limit of headers or at the cap of the call, whichever comes first', async () => {
    server.route('GET', path, faults.blackHole);
    const http = makeHttp({ userAgent: 't', headersMs: 100 });
    await expect(clientFor(server.url, { http }).tasks.get(taskId)).rejects.toThrow('within the time limit');
    const clock = new TestClock();
    const pending = clientFor(server.url, { clock, timeoutMs: 50 }).tasks.get(taskId);
    await until(() => server.requests.length === 2);
    clock.advance(50);
    await expect(pending).rejects.toThrow('within 50 ms');
  });

  test('is given less time as long as it has not said a word', async () => {
    const clock = new TestClock();
    const client = clientFor(server.url, { clock, timeoutMs: 50, firstTimeoutMs: 20 });
    server.route('GET', path, faults.blackHole, { json: oldTask }, faults.blackHole);
    const first = client.tasks.get(taskId);
    await until(() => server.requests.length === 1);
    clock.advance(20);
    await expect(first).rejects.toThrow('within 20 ms');
    await client.tasks.get(taskId);
    const third = client.tasks.get(taskId);
    await until(() => server.requests.length === 3);
    clock.advance(20);
    clock.advance(30);
    await expect(third).rejects.toThrow('within 50 ms');
  });

  test('is asked again as often as the client may, and no more', async () => {
    server.route('GET', path, faults.reset, faults.error500, faults.html, { json: oldTask });
    const clock = new TestClock();
    const sleeps: number[] = [];
    const quick = Object.assign(clock, { sleep: async (ms: number) => void sleeps.push(ms) });
    const task = await clientFor(server.url, { clock: quick, retries: 3 }).tasks.get(taskId);
    expect([task.id, sleeps.length]).toEqual([taskId, 3]);
    server.route('GET', path, { status: 400 });
    await expect(clientFor(server.url, { clock: quick, retries: 3 }).tasks.get(taskId)).rejects.toThrow(
      '400',
    );
    expect(server.requests).toHaveLength(5);
  });

  test('is not asked again for a token that it may have made, which would be a second one', async () => {
    const made = { token: 'krt_x', id: '1' };
    const quick = Object.assign(new TestClock(), { sleep: async () => {} });
    const client = clientFor(server.url, { clock: quick, retries: 3 });
    server.route('POST', '/api/v1/tokens', faults.reset, { json: made });
    await expect(client.tokens.create({ scope: 'admin' })).rejects.toThrow();
    expect(server.requests).toHaveLength(1);
    server.route('POST', '/api/v1/tokens', { status: 503 }, { json: made });
    expect(await client.tokens.create({ scope: 'admin' })).toMatchObject(made);
    expect(server.requests).toHaveLength(3);
  });
});

describe('a call', () => {
  test('sends the token as it is at that moment, none when there is none, and never a broken one', async () => {
    server.route('GET', path, { json: oldTask });
    const tokens: (string | null)[] = ['krt_a', 'krt_b\n', null];
    const client = clientFor(server.url, { token: () => tokens.shift() ?? null });
    for (let count = 0; count < 3; count++) await client.tasks.get(taskId);
    const sent = server.requests.map((request) => request.headers.authorization);
    expect(sent).toEqual(['Bearer krt_a', 'Bearer krt_b', undefined]);
    const broken = clientFor(server.url, { token: () => 'two\r\nlines' });
    await expect(broken.tasks.get(taskId)).rejects.toMatchObject({ code: 'KERUTA_ERR_BAD_VALUE' });
  });

  test('rejects with the reason of its signal', async () => {
    server.route('GET', path, faults.blackHole);
    const stop = new AbortController();
    const pending = clientFor(server.url).tasks.get(taskId, { signal: stop.signal });
    await until(() => server.requests.length === 1);
    stop.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
  });
});
