import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { plainSource } from '../../../internal/api/plain-source.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { clientFor, errorJson, oldSession, oldTask, sessionId } from '../../fake-server/api.ts';
import { type FakeServer, faults, startFakeServer } from '../../fake-server/fake-server.ts';

let server: FakeServer;
let clock: TestClock;
beforeEach(async () => {
  server = await startFakeServer();
  clock = new TestClock();
  server.route('GET', '/api/v1/sessions/:id', { json: oldSession });
  server.route('PUT', '/api/v1/tasks/:id/status', { json: oldTask });
});
afterEach(() => server.close());

const signal = new AbortController().signal;
const source = (options: { sessionId?: string | null; workspaceId?: string | null } = {}) =>
  plainSource({
    client: clientFor(server.url),
    clock,
    random: { uuid4: () => '', uuid7: () => '', secret: () => 'b', fraction: () => 0.5 },
    log: silentLog,
    sessionId,
    workspaceId: null,
    ...options,
  });
const tasks = (...lists: object[][]) =>
  server.route('GET', '/api/v1/sessions/:id/tasks', ...lists.map((json) => ({ json })));
const statuses = () =>
  server.requests
    .filter((request) => request.method === 'PUT')
    .map((request) => `${request.params.id} ${(request.json as { status: string }).status}`);

describe('the next task', () => {
  test('is the one of highest priority, then the oldest, and is set to running', async () => {
    const task = (id: string, priority: number, createdAt: unknown) => ({
      ...oldTask,
      id,
      priority,
      createdAt,
    });
    tasks([
      task('new', 1, [2025, 9, 2, 0, 0]),
      task('old', 1, '2025-09-01T00:00:00'),
      task('low', 0, 0),
      { ...task('x', 9, 0), status: 'COMPLETED' },
    ]);
    const claim = await source().claimNext({ waitMs: 0 }, signal);
    expect(claim).toMatchObject({
      task: { id: 'old', script: 'echo hi' },
      attempt: 1,
      leaseMs: null,
      token: null,
    });
    expect(statuses()).toEqual(['old PROCESSING']);
    expect(server.trace().slice(0, 2)).toEqual([
      `GET /sessions/${sessionId}`,
      `GET /sessions/${sessionId}/tasks`,
    ]);
    expect(server.requests[1]!.query.get('status')).toBe('PENDING');
  });

  test('gets its script when it carries none', async () => {
    tasks([{ ...oldTask, script: '' }]);
    const script = { content: 'echo fetched', parameters: { env: { A: '1' } } };
    server.route('GET', '/api/v1/tasks/:id/script', { json: { success: true, script } });
    const claim = await source().claimNext({ waitMs: 0 }, signal);
    expect(claim).toMatchObject({ task: { script: 'echo fetched' }, environment: { A: '1' } });
  });

  test('without a script to be had has failed, and the one after it is taken', async () => {
    tasks([
      { ...oldTask, id: 'a', script: '' },
      { ...oldTask, id: 'b' },
    ]);
    server.route('GET', '/api/v1/tasks/:id/script', {
      status: 500,
      json: errorJson('INTERNAL_SERVER_ERROR'),
    });
    expect(await source().claimNext({ waitMs: 0 }, signal)).toMatchObject({ task: { id: 'b' } });
    expect(statuses()).toEqual(['a PROCESSING', 'a FAILED', 'b PROCESSING']);
    expect(
      server.requests.find(
        (request) => request.params.id === 'a' && (request.json as { errorCode?: string })?.errorCode,
      )?.json,
    ).toMatchObject({
      errorCode: 'SCRIPT_FETCH_ERROR',
    });
  });

  test('that cannot be set to running is passed over', async () => {
    tasks([
      { ...oldTask, id: 'gone' },
      { ...oldTask, id: 'b' },
    ]);
    server.route('PUT', '/api/v1/tasks/:id/status', ({ params }) =>
      params.id === 'gone' ? { status: 404 } : { json: oldTask },
    );
    expect(await source().claimNext({ waitMs: 0 }, signal)).toMatchObject({ task: { id: 'b' } });
  });

  test('is not forgotten when the answer to its first status was lost', async () => {
    tasks([oldTask], []);
    server.route(
      'PUT',
      '/api/v1/tasks/:id/status',
      faults.lost(() => {}),
      { json: oldTask },
    );
    const one = source();
    await expect(one.claimNext({ waitMs: 0 }, signal)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await one.claimNext({ waitMs: 0 }, signal)).toMatchObject({ task: { id: oldTask.id } });
    expect(await one.claimNext({ waitMs: 0 }, signal)).toBeNull();
  });

  test.each(['COMPLETED', 'TERMINATED', 'ARCHIVED'])('is none when the session is %s', async (status) => {
    server.route('GET', '/api/v1/sessions/:id', { json: { ...oldSession, status } });
    expect(await source().claimNext({ waitMs: 0 }, signal)).toMatchObject({ ended: status });
    expect(server.requests).toHaveLength(1);
  });

  test('is looked for by workspace where no session is known', async () => {
    const list = [
      { ...oldTask, id: 'a', sessionId: 'lost' },
      { ...oldTask, id: 'b', sessionId: '' },
    ];
    server.route(
      'GET',
      '/api/v1/workspaces/:id/tasks/pending',
      { json: list },
      { json: list.slice(1) },
      { json: [] },
    );
    server.route('GET', '/api/v1/sessions/lost', { status: 404 });
    const one = source({ sessionId: null, workspaceId: 'w' });
    expect(await one.claimNext({ waitMs: 0 }, signal)).toMatchObject({
      task: { id: 'a' },
      session: { id: 'lost', repositoryUrl: null },
    });
    expect(await one.claimNext({ waitMs: 0 }, signal)).toMatchObject({
      task: { id: 'b' },
      session: { name: 'w' },
    });
    expect(await one.claimNext({ waitMs: 0 }, signal)).toBeNull();
    expect(() => source({ sessionId: null })).toThrow('KERUTA_WORKSPACE_ID');
  });
});

test('a server is asked once an interval, but at once after a task that ran', async () => {
  tasks([], [], [oldTask], []);
  const slept: number[] = [];
  const sleep = async (ms: number) => {
    slept.push(ms);
    clock.advance(ms);
  };
  Object.assign(clock, { sleep });
  const polls = () => server.trace().filter((line) => line.endsWith('/tasks')).length;
  const one = source();
  expect(await one.claimNext({ waitMs: 4000 }, signal)).toBeNull();
  expect([polls(), slept]).toEqual([1, [4000]]);
  // the next call waits for what is left of the interval
  expect(await one.claimNext({ waitMs: 10_000 }, signal)).toMatchObject({ attempt: 1 });
  expect([polls(), slept]).toEqual([3, [4000, 1000, 5000]]);
  expect(await one.claimNext({ waitMs: 1 }, signal)).toBeNull();
  expect([polls(), slept]).toEqual([4, [4000, 1000, 5000, 1]]);
});
