import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type FakeAnswer, type FakeServer, startFakeServer } from '../fake-server/fake-server.ts';
import { heldUpSinceStart } from '../faults/lab/starvation.ts';
import { freePort } from '../fixtures/free-port.ts';
import { makePlace, type RunningServer } from './place.ts';

/** An API that is away or strange, and things that it does not know. */
const place = makePlace('bad-api');
const nobody = '12345678-1234-4234-8234-123456789012';
let session = '';
let server: RunningServer;
let fake: FakeServer | null = null;

beforeAll(async () => {
  server = await place.server();
  session = await place.session('bad api');
  place.env = { ...place.env, KERUTA_SESSION_ID: session, KERUTA_RETRY_COUNT: '0' };
});
afterEach(async () => {
  await fake?.close();
  fake = null;
});
afterAll(() => place.close());

async function refused(
  args: readonly string[],
  status: number,
  words: readonly (string | RegExp)[],
): Promise<void> {
  const ended = await place.keruta(args, { timeoutMs: 15_000 });
  expect({ status: ended.status, stdout: ended.stdout }).toEqual({ status, stdout: '' });
  for (const word of words) expect(ended.stderr).toMatch(word);
  expect(ended.stderr).not.toMatch(/\n +at /);
}

describe('an API', () => {
  test('that is away', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    await refused(['session', 'list', '--api-url', url], 6, [url, 'ECONNREFUSED', 'KERUTA_API_URL']);
    const json = await place.keruta(['session', 'list', '--json', '--api-url', url]);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'KERUTA_ERR_API_UNAVAILABLE' } });
  });

  test('whose host does not exist', async () => {
    const url = 'http://no-such-host.invalid:8585';
    await refused(['session', 'list', '--api-url', url], 6, ['no-such-host.invalid', 'KERUTA_API_URL']);
  });

  test.each<[string, FakeAnswer, number, (string | RegExp)[]]>([
    ['401', { status: 401 }, 3, ['answered 401', 'KERUTA_API_TOKEN']],
    ['403', { status: 403 }, 3, ['answered 403', 'scope']],
    ['404', { status: 404 }, 4, ['answered 404', 'KERUTA_API_URL']],
    ['500', { status: 500 }, 6, ['answered 500', 'Try again']],
    [
      'a page',
      { text: '<html>Please log in</html>', headers: { 'content-type': 'text/html' } },
      6,
      ['Please log in', 'login page'],
    ],
    [
      'half of its JSON',
      { text: '{"id": ', headers: { 'content-type': 'application/json' } },
      6,
      ['KERUTA_API_URL'],
    ],
    [
      'a redirect',
      { status: 302, headers: { location: 'https://sso.example/login' } },
      6,
      ['redirect', 'sso.example'],
    ],
  ])('that answers %s', async (_what, answer, status, words) => {
    fake = await startFakeServer();
    fake.route('GET', '/api/v1/sessions', answer);
    await refused(['session', 'list', '--api-url', fake.url], status, [fake.url, ...words]);
  });

  test('that does not know the token', async () => {
    const ended = await place.keruta(['session', 'list'], {
      env: { ...place.env, KERUTA_API_TOKEN: 'krt_wrong' },
    });
    expect(ended).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/answered 401[\s\S]*KERUTA_API_TOKEN/),
    });
    expect(ended.stderr).not.toContain('krt_wrong');
  });

  test('that is away does not hold up or fail a script: what it says is kept, and delivered later', async () => {
    const id = await place.submit(session, '', { name: 'by hand' });
    const env = { ...place.env, KERUTA_TASK_ID: id };
    await server.stop();
    const began = Date.now();
    const said = place.start(place.executable, ['progress', '30', '--message', 'kept'], { env });
    const held = heldUpSinceStart(said.pid);
    const kept = await said.ended;
    expect(kept).toMatchObject({ status: 0, stderr: expect.stringContaining(server.url) });
    expect(Date.now() - began).toBeLessThan(5000 + held());
    expect(await place.keruta(['progress', '31', '--strict'], { env })).toMatchObject({ status: 6 });

    server = await place.server([], { port: server.port });
    const next = await place.keruta(['log', 'INFO', 'back again'], { env });
    expect(next).toMatchObject({ status: 0, stderr: expect.stringContaining('delivered 1 kept request') });
    expect(await place.task(id)).toMatchObject({ status: 'PROCESSING', progress: 30, message: 'kept' });
    expect(await place.keruta(['success'], { env })).toMatchObject({ status: 0 });
  });
});

describe('a task', () => {
  test('that nobody knows', async () => {
    for (const words of [
      ['task', 'show', nobody],
      ['task', 'logs', nobody],
      ['task', 'cancel', nobody],
      ['execute', 'true', '--task-id', nobody],
      ['progress', '5', '--task-id', nobody],
    ])
      await refused(words, 4, [nobody, 'keruta task list']);
    await refused(['task', 'show', 'zz'], 4, ['"zz"', 'at least 4 characters']);
  });

  test('that has ended', async () => {
    const id = await place.submit(session, 'true');
    await place.api('POST', `/tasks/${id}/cancel`, {});
    await refused(['task', 'cancel', id], 5, [id, 'CANCELLED']);
    await refused(['task', 'input', id, 'x'], 5, [id, 'CANCELLED']);
    await refused(['progress', '5', '--task-id', id], 5, [id, 'CANCELLED', 'retry']);
    await refused(['success', '--task-id', id], 5, [id, 'CANCELLED', 'retry']);
    await refused(['execute', 'true', '--task-id', id], 5, [id, `keruta task retry ${id}`]);
    await refused(['ask', 'Go?', '--task-id', id], 5, [id, 'CANCELLED']);
  });

  test('that an agent runs is not run by hand beside it', async () => {
    const starts = place.path('starts');
    const go = place.path('go');
    const script = `echo start >> ${starts}; echo up; while [ ! -e ${go} ]; do sleep 0.05; done`;
    const id = await place.submit(session, script);
    const daemon = await place.daemon(session);
    await place.when(id, ({ status }) => status === 'PROCESSING');
    await refused(['execute', '--task-id', id], 5, [
      id,
      'is being run by the agent',
      `keruta task logs -f ${id}`,
    ]);
    place.file('go', '');
    expect(await place.ended(id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    expect((await place.bash(`cat ${starts}`)).stdout).toBe('start\n');
    await daemon.stop();
  });
});

describe('a session', () => {
  test('that nobody knows', async () => {
    await refused(['session', 'show', 'nope'], 4, ['"nope"', 'keruta session list']);
    await refused(['task', 'add', '-c', 'true', '--session', 'nope'], 4, ['"nope"', 'keruta session list']);
    await refused(['daemon', '--session-id', 'nope', '--port', '0'], 4, ['"nope"', '--session-id']);
  });

  test('that is closed', async () => {
    const id = await place.session('closed');
    await place.keruta(['session', 'close', id]);
    await refused(['task', 'add', '-c', 'true', '--session', id], 5, ['closed', 'COMPLETED']);
    const daemon = await place.keruta(['daemon', '--session-id', id, '--port', '0']);
    expect(daemon).toMatchObject({ status: 0, stderr: expect.stringContaining('session_ended') });
  });

  test('whose name is taken', async () => {
    await refused(['session', 'create', 'bad api'], 5, ['"bad api"', 'another name']);
  });
});
