/** The calls that existing clients make, in their order and in their words: every one must be taken. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
let sessionId: string;
beforeAll(async () => {
  server = await startServer();
  sessionId = (await server.call('POST', 'sessions', { name: 'demo', workspaceId: 'ws-1' })).body.id;
});
afterAll(() => server.close());

/** One call: method, path (T and S stand for the ids), body, accepted statuses. */
type Call = readonly [method: string, path: string, body: unknown, accepted: readonly number[]];

const put = (body: unknown): Call => ['PUT', 'tasks/T/status', body, [200]];
const log = (level: string, message: string): Call => [
  'POST',
  'tasks/T/logs',
  { level, message },
  [200, 201],
];
const getSession: Call = ['GET', 'sessions/S', undefined, [200]];
const getPending: Call = ['GET', 'sessions/S/tasks?status=PENDING', undefined, [200]];
const getScript: Call = ['GET', 'tasks/T/script', undefined, [200]];
const getInput = (...accepted: number[]): Call => ['GET', 'tasks/T/input', undefined, accepted];

const artifact = (name: string): Call => {
  const form = new FormData();
  form.append('file', new Blob(['123456'], { type: 'application/octet-stream' }), name);
  return ['POST', 'tasks/T/artifacts', form, [200, 201]];
};

const sequences: readonly (readonly [name: string, calls: readonly Call[], end: string])[] = [
  ['start', [put({ status: 'IN_PROGRESS', message: 'started' }), log('INFO', 'started')], 'PROCESSING'],
  [
    'progress 50 --message half',
    [put({ status: 'IN_PROGRESS', message: 'half', progress: 50 }), log('INFO', 'progress 50%: half')],
    'PROCESSING',
  ],
  ['progress 0', [put({ status: 'IN_PROGRESS' }), log('INFO', 'progress 0%')], 'PROCESSING'],
  [
    'success with two files',
    [
      artifact('a.txt'),
      artifact('b.txt'),
      put({ status: 'COMPLETED', message: 'done', progress: 100 }),
      log('INFO', 'done'),
    ],
    'COMPLETED',
  ],
  [
    'fail --error-code E1 --auto-fix',
    [
      ['POST', 'tasks/T/auto-fix', { errorMessage: 'bad', errorCode: 'E1' }, [200, 201]],
      put({ status: 'FAILED', message: 'bad', errorCode: 'E1' }),
      log('ERROR', 'bad'),
    ],
    'FAILED',
  ],
  [
    'execute with one prompt and HTTP input',
    [
      put({ status: 'IN_PROGRESS', message: 'go' }),
      getScript,
      log('INFO', 'What is your name?'),
      put({ status: 'WAITING_FOR_INPUT', message: 'name?', progress: 50 }),
      ['POST', 'tasks/T/input-request', { prompt: 'name?' }, [200, 201]],
      getInput(204, 404),
      ['POST', 'tasks/T/input', { input: 'Bob' }, [200]],
      getInput(200),
      put({ status: 'IN_PROGRESS', message: 'got it', progress: 60 }),
      log('INFO', 'Hello Bob'),
      put({ status: 'COMPLETED', message: 'done', progress: 100 }),
    ],
    'COMPLETED',
  ],
  [
    'execute with exit code 3',
    [
      put({ status: 'IN_PROGRESS' }),
      getScript,
      put({ status: 'FAILED', message: 'exit status 3', errorCode: 'EXECUTION_ERROR' }),
    ],
    'FAILED',
  ],
  [
    'daemon with one task',
    [
      getSession,
      getSession,
      getPending,
      put({ status: 'IN_PROGRESS' }),
      getScript,
      log('INFO', 'hi'),
      log('WARNING', 'a line of the daemon itself'),
      put({ status: 'COMPLETED', message: 'done', progress: 100 }),
      getSession,
      getPending,
    ],
    'COMPLETED',
  ],
  [
    'daemon with a script that exits 3',
    [
      getSession,
      getPending,
      put({ status: 'IN_PROGRESS' }),
      getScript,
      put({ status: 'FAILED', message: 'exit status 3', errorCode: 'SCRIPT_EXECUTION_ERROR' }),
      getSession,
      getPending,
    ],
    'FAILED',
  ],
  [
    'daemon that knows only its workspace',
    [
      ['GET', 'workspaces/ws-1/tasks/pending', undefined, [200]],
      ['GET', 'workspaces/ws-1/tasks/pending', undefined, [200]],
    ],
    'PENDING',
  ],
];

describe('clients of the plain protocol', () => {
  test.each(sequences)('%s', async (name, calls, end) => {
    const { id } = (await server.call('POST', 'tasks', { sessionId, name, script: '#!/bin/bash\necho hi\n' }))
      .body;
    for (const [method, path, body, accepted] of calls) {
      const at = path.replace('/T', `/${id}`).replace('/S', `/${sessionId}`);
      // these clients put a slash too many, and a content type on every call
      const type = body instanceof FormData ? {} : { 'content-type': 'application/json' };
      const answer = await server.call(method, `//api/v1/${at}`, body, type);
      expect(accepted, `${method} ${path}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
      if (path.startsWith('sessions/S/tasks')) expect(Array.isArray(answer.body)).toBe(true);
    }
    expect((await server.call('GET', `tasks/${id}`)).body.status).toBe(end);
  });

  test('a daemon sees that its session has ended, and goes on asking', async () => {
    const { id } = (await server.call('POST', 'sessions', { name: 'ended' })).body;
    await server.call('PUT', `sessions/${id}/system-status`, { status: 'TERMINATED' });
    for (const _ of [1, 2]) {
      expect(await server.call('GET', `sessions/${id}`)).toMatchObject({
        status: 200,
        body: { status: 'COMPLETED' },
      });
    }
  });
});
