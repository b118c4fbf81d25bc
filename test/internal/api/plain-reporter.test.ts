import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { plainSource } from '../../../internal/api/plain-source.ts';
import type { ControlMessage } from '../../../internal/api/protocol.ts';
import type { LogBody, StatusBody } from '../../../internal/api/requests.ts';
import type { AttemptRef, FinishReport } from '../../../internal/api/task-source.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { clientFor, errorJson, oldTask, sessionId, taskId } from '../../fake-server/api.ts';
import { type FakeServer, faults, startFakeServer } from '../../fake-server/fake-server.ts';

let server: FakeServer;
let clock: TestClock;
beforeEach(async () => {
  server = await startFakeServer();
  clock = new TestClock();
  server.route('PUT', '/api/v1/tasks/:id/status', { json: oldTask });
  server.route('POST', '/api/v1/tasks/:id/logs', { status: 201 });
});
afterEach(() => server.close());

const signal = new AbortController().signal;
const at = '2026-01-01T00:00:00.000Z';
const reporter = (ref: Partial<AttemptRef> = {}) =>
  plainSource({
    client: clientFor(server.url),
    clock,
    random: systemRandom,
    log: silentLog,
    sessionId,
    workspaceId: null,
  }).reporter({ taskId, attempt: 1, ...ref });
const bodies = <T>(method: string, end: string) =>
  server.requests
    .filter((request) => request.method === method && request.path.endsWith(end))
    .map((request) => request.json as T);
const statuses = () => bodies<StatusBody>('PUT', '/status');
const lines = () => bodies<LogBody>('POST', '/logs').map(({ level, message }) => `${level} ${message}`);
const chunk = (stream: 'stdout' | 'stderr', offset: number, text: string) => ({
  stream,
  offset,
  bytes: Buffer.from(text),
});

describe('output', () => {
  test('becomes log lines, blank ones too; an unfinished line waits for its end', async () => {
    const one = reporter();
    expect(await one.patchStream(chunk('stdout', 0, 'a\n\nhal'), signal)).toEqual({
      offset: 6,
      durableOffset: 3,
    });
    expect(await one.patchStream(chunk('stderr', 0, 'bad\n'), signal)).toEqual({
      offset: 4,
      durableOffset: 4,
    });
    expect(await one.patchStream(chunk('stdout', 6, 'f\nrest'), signal)).toEqual({
      offset: 12,
      durableOffset: 8,
    });
    await one.finish(reportOf(), signal);
    expect(lines()).toEqual(['INFO a', 'INFO ', 'ERROR bad', 'INFO half', 'INFO rest']);
    expect(bodies<LogBody>('POST', '/logs')[2]!.source).toBe('stderr');
  });

  test('goes on where it was acknowledged before a restart', async () => {
    const one = reporter({ acknowledged: { stdout: 3, stderr: 0 } });
    expect(await one.headStream('stdout', signal)).toEqual({ offset: 3, durableOffset: 3 });
    await expect(one.patchStream(chunk('stdout', 0, 'x'), signal)).rejects.toMatchObject({
      code: 'KERUTA_ERR_OFFSET_MISMATCH',
      details: { offset: 3 },
    });
  });

  test('that failed in the middle is sent once when the same is given again', async () => {
    server.route('POST', '/api/v1/tasks/:id/logs', { status: 201 }, { status: 503 }, { status: 201 });
    const one = reporter();
    const bytes = chunk('stdout', 0, 'a\nb\nc\n');
    await expect(one.patchStream(bytes, signal)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await one.headStream('stdout', signal)).toEqual({ offset: 6, durableOffset: 2 });
    expect(await one.patchStream(bytes, signal)).toEqual({ offset: 6, durableOffset: 6 });
    expect(lines()).toEqual(['INFO a', 'INFO b', 'INFO b', 'INFO c']);
  });

  test('keeps its last line when the report fails and is made again', async () => {
    server.route('POST', '/api/v1/tasks/:id/logs', faults.reset, { status: 201 });
    const one = reporter();
    await one.patchStream(chunk('stdout', 0, 'no end'), signal);
    await expect(one.finish(reportOf(), signal)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(statuses()).toEqual([]);
    await one.finish(reportOf(), signal);
    expect(lines()).toEqual(['INFO no end', 'INFO no end']);
    expect(statuses()).toHaveLength(1);
  });

  test('that is lost leaves a line that says so', async () => {
    const one = reporter();
    await one.patchStream(chunk('stdout', 0, 'ab'), signal);
    expect(await one.declareLost({ stream: 'stdout', offset: 2, bytes: 10 }, signal)).toMatchObject({
      offset: 12,
    });
    expect(lines()).toEqual(['INFO ab', 'WARN [10 bytes of stdout were lost here]']);
  });
});

describe('messages', () => {
  test('become statuses and log lines, each once', async () => {
    const one = reporter();
    const messages: ControlMessage[] = [
      { kind: 'started', seq: 1, at, message: 'go' },
      { kind: 'started', seq: 2, at },
      { kind: 'progress', seq: 3, at, progress: 50, message: 'half' },
      { kind: 'log', seq: 4, at, level: 'WARN', message: 'hm' },
      { kind: 'declared', seq: 5, at, status: 'FAILED', message: '', errorCode: '', autoFix: null },
    ];
    expect(await one.sendMessages(messages, signal)).toBe(5);
    expect(await one.sendMessages(messages, signal)).toBe(5);
    expect(statuses()).toEqual([
      { status: 'PROCESSING', message: 'go', progress: 0, errorCode: '' },
      { status: 'PROCESSING', message: 'half', progress: 50, errorCode: '' },
    ]);
    expect(lines()).toEqual(['WARN hm']);
  });

  const ask: ControlMessage = {
    kind: 'ask',
    seq: 1,
    at,
    key: 'k',
    how: 'ask',
    prompt: 'name?',
    choices: [],
    secret: false,
  };

  test('that ask wait for an answer, which is repeated until it is delivered', async () => {
    server.route('GET', '/api/v1/tasks/:id', { json: oldTask });
    server.route('POST', '/api/v1/tasks/:id/input-request', { json: {} });
    server.route('GET', '/api/v1/tasks/:id/input', { status: 404 }, { json: { input: 'Bob\n' } });
    const one = reporter();
    await one.sendMessages([ask], signal);
    const renew = async (deliveredInputs: string[] = []) => {
      clock.advance(5000);
      return one.renew({ waitMs: 0, deliveredInputs }, signal);
    };
    expect(await renew()).toEqual({ leaseMs: null, cancel: false, inputs: [], timeoutMs: null });
    const { inputs } = await renew();
    expect(inputs).toEqual([{ id: 'plain-1', key: 'k', answer: 'Bob' }]);
    expect((await renew()).inputs).toEqual(inputs);
    expect((await renew(['plain-1'])).inputs).toEqual([]);
    expect(statuses().map(({ status }) => status)).toEqual(['WAITING_FOR_INPUT', 'PROCESSING']);
    expect(bodies('POST', '/input-request')).toEqual([{ prompt: 'name?' }]);
  });

  test('that ask and withdraw work without the route for questions', async () => {
    server.route('POST', '/api/v1/tasks/:id/input-request', {
      status: 500,
      json: errorJson('INTERNAL_SERVER_ERROR'),
    });
    const other: ControlMessage = { kind: 'withdraw', seq: 2, at, key: 'other' };
    await reporter().sendMessages([ask, other, { kind: 'withdraw', seq: 3, at, key: 'k' }], signal);
    expect(statuses().map(({ status }) => status)).toEqual(['WAITING_FOR_INPUT', 'PROCESSING']);
  });
});

describe('a renewal', () => {
  test.each([
    ['cancelled', { json: { ...oldTask, status: 'CANCELLED' } }, true],
    ['deleted', { status: 404 }, true],
    ['running', { json: oldTask }, false],
  ])('of a task that is %s asks once an interval', async (_what, answer, cancel) => {
    server.route('GET', '/api/v1/tasks/:id', answer);
    const one = reporter();
    expect((await one.renew({ waitMs: 0, deliveredInputs: [] }, signal)).cancel).toBe(cancel);
    expect((await one.renew({ waitMs: 0, deliveredInputs: [] }, signal)).cancel).toBe(false);
    expect(server.requests).toHaveLength(1);
  });

  test('of a server that is away is worth another try', async () => {
    server.route('GET', '/api/v1/tasks/:id', faults.reset);
    await expect(reporter().renew({ waitMs: 0, deliveredInputs: [] }, signal)).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });
});

const reportOf = (more: Partial<FinishReport> = {}): FinishReport => {
  const stream = { size: 0, crc32: 0 };
  return {
    exitCode: 0,
    signal: null,
    reason: null,
    startedAt: at,
    exitedAt: at,
    controlSeq: 0,
    streams: { stdout: stream, stderr: stream },
    artifacts: [],
    usage: null,
    declared: null,
    ...more,
  };
};
const wantsFix = { exitCode: 3, fix: { script: null, bundle: null, fingerprint: null } };

describe('the end', () => {
  test('of a good run is COMPLETED at 100', async () => {
    await reporter().exited(reportOf(), signal);
    expect(await reporter().finish(reportOf(), signal)).toEqual({
      status: 'COMPLETED',
      fixTaskId: null,
      willRetry: false,
    });
    expect(statuses()).toEqual([{ status: 'COMPLETED', message: '', progress: 100, errorCode: '' }]);
  });

  test('of a failed run asks for the fix task first, once, however often the report is made', async () => {
    server.route('POST', '/api/v1/tasks/:id/auto-fix', { status: 201, json: { id: 'fix' } });
    server.route('PUT', '/api/v1/tasks/:id/status', faults.reset, { json: oldTask });
    const one = reporter();
    await expect(one.finish(reportOf(wantsFix), signal)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await one.finish(reportOf(wantsFix), signal)).toMatchObject({
      status: 'FAILED',
      fixTaskId: 'fix',
    });
    expect(bodies('POST', '/auto-fix')).toEqual([
      { errorMessage: 'the script ended with exit code 3', errorCode: 'SCRIPT_EXECUTION_ERROR' },
    ]);
    expect(statuses().at(-1)).toMatchObject({
      status: 'FAILED',
      errorCode: 'SCRIPT_EXECUTION_ERROR',
      progress: 0,
    });
    expect(server.trace()[0]).toContain('auto-fix');
  });

  test.each([
    ['does not know', { status: 404 }],
    ['refuses', { status: 400 }],
  ])('is not held up by a fix task that the server %s', async (_what, answer) => {
    server.route('POST', '/api/v1/tasks/:id/auto-fix', answer);
    expect(await reporter().finish(reportOf(wantsFix), signal)).toMatchObject({
      status: 'FAILED',
      fixTaskId: null,
    });
  });

  test('that is not the script’s fault begets no fix task', async () => {
    await reporter().finish(reportOf({ ...wantsFix, reason: 'checkout' }), signal);
    expect(bodies('POST', '/auto-fix')).toEqual([]);
  });

  test('of a cancelled run is FAILED where the server does not know the word', async () => {
    server.route('PUT', '/api/v1/tasks/:id/status', { status: 500 }, { json: oldTask });
    await reporter().finish(reportOf({ exitCode: null, signal: 'SIGTERM', reason: 'cancel' }), signal);
    expect(statuses().map(({ status, errorCode }) => [status, errorCode])).toEqual([
      ['CANCELLED', ''],
      ['FAILED', 'CANCELLED'],
    ]);
  });

  test('that the server has already is no error, but a task that is gone is', async () => {
    server.route('PUT', '/api/v1/tasks/:id/status', { status: 409 }, { status: 404 });
    expect(await reporter().finish(reportOf(), signal)).toMatchObject({ status: 'COMPLETED' });
    await expect(reporter().finish(reportOf(), signal)).rejects.toMatchObject({
      code: 'KERUTA_ERR_TASK_NOT_FOUND',
    });
  });
});

test('an artifact goes as a form, and one too many for an older server is passed over', async () => {
  const artifact = {
    path: 'a.txt',
    size: 1,
    sha256: '',
    contentType: 'text/plain',
    description: '',
    unstable: false,
    open: async function* () {
      yield Buffer.from('x');
    },
  };
  server.route(
    'POST',
    '/api/v1/tasks/:id/artifacts',
    { status: 201, json: { id: 'x' } },
    { status: 404 },
    { status: 413 },
  );
  expect(await reporter().uploadArtifact(artifact, signal)).toBe('x');
  expect(await reporter().uploadArtifact(artifact, signal)).toBeNull();
  await expect(reporter().uploadArtifact(artifact, signal)).rejects.toMatchObject({ kind: 'input' });
});
