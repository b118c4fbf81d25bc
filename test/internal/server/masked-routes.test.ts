/** S-29: what the server masks a second time: what is said about a run, whoever says it. Output is masked by who sends it. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../../internal/server/routes.ts';
import { makeSecondMask } from '../../../internal/session/second-mask.ts';
import { makeTask } from './claims-client.ts';
import { adminToken, startServer, type TestServer } from './start-server.ts';

const secret = 'hunter2hunter2';
const token = `krt_ses_${'a1B2'.repeat(10)}`;
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ parts: { secondMask: makeSecondMask([secret]) } });
});
afterAll(() => server.close());

const said = `it was ${secret}, ${token}`;
const hidden = `it was ${'*'.repeat(secret.length)}, ${'*'.repeat(token.length)}`;
const post = (path: string, body: unknown) => server.call('POST', path, body);
/** Everything that can be read of a task. */
async function shown(id: string): Promise<string> {
  const paths = ['', '/logs', '/artifacts', '/input-requests', '/attempts'].map(
    (path) => `tasks/${id}${path}`,
  );
  const answers = await Promise.all(paths.map((path) => server.call('GET', path)));
  return JSON.stringify(answers.map(({ body }) => body));
}

describe('a client that masks nothing', () => {
  test.each<[string, (id: string) => Promise<{ readonly status: number }>]>([
    ['a line', (id) => post(`tasks/${id}/logs`, { level: 'INFO', message: said, source: said })],
    ['many lines', (id) => post(`tasks/${id}/logs/batch`, { logs: [{ level: 'INFO', message: said }] })],
    [
      'the status',
      (id) => server.call('PUT', `tasks/${id}/status`, { status: 'FAILED', message: said, errorCode: said }),
    ],
    ['progress', (id) => server.call('PATCH', `tasks/${id}/progress`, { progress: 5, message: said })],
    [
      'a question',
      async (id) => {
        await server.call('PUT', `tasks/${id}/status`, { status: 'PROCESSING' });
        return post(`tasks/${id}/input-request`, { prompt: said });
      },
    ],
    ['an artifact without a file', (id) => post(`tasks/${id}/artifacts`, { path: 'a', description: said })],
    [
      'the name of an artifact in pieces',
      (id) => {
        const sha256 = createHash('sha256').update('').digest('hex');
        const about = {
          path: `${secret}.txt`,
          size: 0,
          sha256,
          contentType: 'text/plain',
          description: said,
        };
        return post(`tasks/${id}/artifacts/uploads`, { ...about, attempt: 0, unstable: false });
      },
    ],
    [
      'the name of an artifact in a form',
      (id) => {
        const form = new FormData();
        form.set('description', said);
        form.set('file', new Blob(['x']), `${secret}.txt`);
        const headers = { authorization: `Bearer ${adminToken}` };
        return fetch(`${server.url}/api/v1/tasks/${id}/artifacts`, { method: 'POST', body: form, headers });
      },
    ],
  ])('says a secret by %s: it is kept masked', async (_what, say) => {
    const { task } = await makeTask(server);
    expect((await say(task.id)).status).toBeLessThan(300);
    const text = await shown(task.id);
    expect(text).toContain('*'.repeat(secret.length));
    for (const value of [secret, token]) expect(text).not.toContain(value);
  });

  test('says secrets by the messages and the report of a run: they are kept masked', async () => {
    const { task, claim } = await makeTask(server);
    const { attempt } = await claim();
    const path = `tasks/${task.id}/attempts/${attempt.number}`;
    const by = { authorization: `Bearer ${attempt.token}` };
    const at = new Date().toISOString();
    const messages = [
      { kind: 'log', seq: 1, at, level: 'INFO', message: said },
      { kind: 'declared', seq: 2, at, status: 'FAILED', message: said, errorCode: secret, autoFix: null },
    ];
    expect((await server.call('POST', `${path}/messages`, { messages }, by)).status).toBe(200);
    const { body: lines } = await server.call('GET', `tasks/${task.id}/logs`);
    expect(lines[0].message).toBe(hidden);
    const { store } = server.parts;
    const kept = JSON.stringify(await store.attempt(task.id, attempt.number));
    expect(kept).toContain(hidden);
    expect(kept).not.toContain(secret);
  });

  test('sends output as it is: its bytes and their checksum are those of the agent', async () => {
    const { task, claim } = await makeTask(server);
    const { attempt } = await claim();
    const headers = {
      authorization: `Bearer ${attempt.token}`,
      'content-type': 'application/octet-stream',
      'upload-offset': '0',
    };
    const path = `tasks/${task.id}/attempts/${attempt.number}/streams/stdout`;
    expect((await server.call('PATCH', path, Buffer.from(said), headers)).status).toBe(204);
    const raw = await server.call('GET', `tasks/${task.id}/logs?format=text&stream=stdout`);
    expect(raw.body).toContain(secret);
  });

  test('keeps a script as it is', async () => {
    const { task } = await makeTask(server, { script: `echo ${secret}` });
    expect((await server.parts.store.task(task.id))?.script).toBe(`echo ${secret}`);
  });
});

test('exactly the routes by which something is said about a run mask it', () => {
  const masked = routes.filter((each) => each.masked).map(({ method, path }) => `${method} ${path}`);
  expect(masked.sort()).toEqual([
    'PATCH /api/v1/tasks/:id/progress',
    'PATCH /api/v1/tasks/:id/status',
    'POST /api/v1/sessions/:id/logs',
    'POST /api/v1/tasks/:id/artifacts',
    'POST /api/v1/tasks/:id/artifacts/uploads',
    'POST /api/v1/tasks/:id/attempts/:n/exited',
    'POST /api/v1/tasks/:id/attempts/:n/finish',
    'POST /api/v1/tasks/:id/attempts/:n/messages',
    'POST /api/v1/tasks/:id/auto-fix',
    'POST /api/v1/tasks/:id/input-request',
    'POST /api/v1/tasks/:id/logs',
    'POST /api/v1/tasks/:id/logs/batch',
    'PUT /api/v1/tasks/:id/status',
  ]);
});
