import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { detectAbilities, makeLogWriter, makeStatusWriter } from '../../../internal/api/dialect.ts';
import type { Ability } from '../../../internal/api/task-source.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { clientFor, errorJson, oldTask, taskId } from '../../fake-server/api.ts';
import { type FakeAnswer, type FakeServer, faults, startFakeServer } from '../../fake-server/fake-server.ts';

let server: FakeServer;
beforeEach(async () => {
  server = await startFakeServer();
});
afterEach(() => server.close());

describe('abilities', () => {
  const health = (answer: FakeAnswer) => server.route('GET', '/api/v1/health', answer);
  const known = new Set<Ability>(['claim']);

  test('are those that health names and we know', async () => {
    health({ json: { status: 'UP', abilities: ['claim', 'streams', 'magic'] } });
    expect([...(await detectAbilities(clientFor(server.url)))]).toEqual(['claim', 'streams']);
  });

  test.each<[string, FakeAnswer]>([
    ['names none', { json: { status: 'UP' } }],
    ['is not there', { status: 404 }],
    ['is refused', { status: 401 }],
    [
      'answers 500 in the words of an older server',
      { status: 500, json: errorJson('INTERNAL_SERVER_ERROR') },
    ],
  ])('are none when health %s, but stay when they were known', async (_what, answer) => {
    health(answer);
    expect((await detectAbilities(clientFor(server.url))).size).toBe(0);
    expect(await detectAbilities(clientFor(server.url), { known })).toBe(known);
  });

  test.each<[string, FakeAnswer]>([
    ['is away', faults.reset],
    ['answers 503', { status: 503 }],
    ['answers with a web page', faults.html],
  ])('cannot be told when the server %s', async (_what, answer) => {
    health(answer);
    await expect(detectAbilities(clientFor(server.url))).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await detectAbilities(clientFor(server.url), { known })).toBe(known);
  });
});

describe('the running status', () => {
  const words = () => server.requests.map((request) => (request.json as { status: string }).status);
  const path = '/api/v1/tasks/:id/status';

  test.each([400, 422, 500])('is said in the other word after a %i, which is kept', async (status) => {
    server.route('PUT', path, (request) =>
      (request.json as { status: string }).status === 'PROCESSING' ? { status } : { json: oldTask },
    );
    const setStatus = makeStatusWriter(clientFor(server.url));
    await setStatus(taskId, { status: 'PROCESSING', progress: 1 });
    await setStatus(taskId, { status: 'PROCESSING', progress: 2 });
    await setStatus(taskId, { status: 'COMPLETED' });
    expect(words()).toEqual(['PROCESSING', 'IN_PROGRESS', 'IN_PROGRESS', 'COMPLETED']);
  });

  test('keeps its word when the other one fails as well, or the fault is another', async () => {
    const setStatus = makeStatusWriter(clientFor(server.url));
    server.route('PUT', path, { status: 500 });
    await expect(setStatus(taskId, { status: 'PROCESSING' })).rejects.toThrow('500');
    server.route('PUT', path, { status: 503 });
    await expect(setStatus(taskId, { status: 'PROCESSING' })).rejects.toThrow('503');
    expect(words()).toEqual(['PROCESSING', 'IN_PROGRESS', 'PROCESSING']);
  });
});

describe('log lines', () => {
  const lines = Array.from({ length: 101 }, (_, index) => ({ level: 'INFO', message: String(index) }));
  const send = async (writer = makeLogWriter(clientFor(server.url), silentLog)) => {
    let sent = 0;
    const failure = await writer(taskId, lines, { onSent: (count) => (sent += count) }).catch(
      (e: unknown) => e,
    );
    return { sent, failure, writer };
  };

  test('go out in batches of a hundred', async () => {
    server.route('POST', '/api/v1/tasks/:id/logs/batch', { json: {} });
    server.route('POST', '/api/v1/tasks/:id/logs', { status: 201 });
    expect(await send()).toMatchObject({ sent: 101, failure: undefined });
    expect(server.requests).toHaveLength(2);
  });

  test.each([404, 405, 500])('go one by one, in order and from then on, after a %i', async (status) => {
    server.route('POST', '/api/v1/tasks/:id/logs/batch', { status });
    server.route('POST', '/api/v1/tasks/:id/logs', { status: 201 });
    const { sent, writer } = await send();
    await send(writer);
    expect(sent).toBe(101);
    expect(server.requests).toHaveLength(1 + 101 + 101);
    const single = server.requests.slice(1, 102).map((request) => request.json);
    expect(single).toEqual(lines);
  });

  test('that failed in the middle are counted', async () => {
    server.route('POST', '/api/v1/tasks/:id/logs', { status: 201 }, { status: 201 }, { status: 503 });
    expect(await send()).toMatchObject({ sent: 2, failure: { code: 'KERUTA_ERR_API_UNAVAILABLE' } });
  });
});
