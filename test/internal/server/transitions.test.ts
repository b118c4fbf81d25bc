import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { taskStatuses } from '../../../internal/domain/task-status.ts';
import { makeTask } from './claims-client.ts';
import { startServer, type TestServer } from './start-server.ts';

/** S-06: what agents and scripts may make of a task, by its status: a table over HTTP. */
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

type Status = (typeof taskStatuses)[number];
/** Who speaks: with the token of the session, as its agent does, or with that of the run. */
type Who = 'agent' | 'run';

const at = '2026-01-01T00:00:00.000Z';
const nothing = { size: 0, crc32: 0 };
const exited = { exitCode: 0, signal: null, reason: null, startedAt: at, exitedAt: at };
const streams = { stdout: nothing, stderr: nothing };
const report = { ...exited, controlSeq: 0, streams, artifacts: [], usage: null };
const bytes = { 'content-type': 'application/octet-stream', 'upload-offset': '0' };

/** A task of an agent that has come so far, and the tokens of its session and of its run. */
async function taskAt(status: Status) {
  const { session, task, claim } = await makeTask(server);
  const made = await server.call('POST', 'tokens', { scope: 'session', sessionId: session.id });
  const { attempt } = status === 'PENDING' ? { attempt: null } : await claim();
  const path = `tasks/${task.id}`;
  const must = async (method: string, tail: string, body: object) => {
    const answer = await server.call(method, `${path}${tail}`, body);
    expect([tail, answer.status]).toEqual([tail, 200]);
  };
  if (status === 'WAITING_FOR_INPUT') await must('POST', '/input-request', { prompt: 'p' });
  if (status === 'CANCELLED') await must('POST', '/cancel', {});
  const reason = status === 'CANCELLED' ? 'cancel' : null;
  const exitCode = status === 'COMPLETED' ? 0 : 1;
  if (status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED')
    await must('POST', '/attempts/1/finish', { ...report, exitCode, reason });
  if (status === 'LOST') await lose(task.id);
  const look = async () => (await server.call('GET', path)).body;
  expect((await look()).status).toBe(status);
  const tokens: Record<Who, string> = { agent: made.body.token, run: attempt?.token ?? '' };
  return { path, look, tokens };
}

/** As the server does when a lease is over. */
async function lose(id: string): Promise<void> {
  const { store } = server.parts;
  await store.transact(async (tx) => {
    const task = await tx.task(id);
    const attempt = await tx.attempt(id, 1);
    if (task === null || attempt === null) throw new Error('no run');
    await tx.putAttempt({ ...attempt, state: 'lost' });
    await tx.putTask({ ...task, status: 'LOST' });
  });
}

/** What is done to a task: each word as its status, and each verb there is. */
const calls: Readonly<
  Record<string, readonly [method: string, tail: string, body?: unknown, headers?: object]>
> = {
  ...Object.fromEntries(taskStatuses.map((status) => [status, ['PUT', '/status', { status }] as const])),
  cancel: ['POST', '/cancel', {}],
  retry: ['POST', '/retry', {}],
  answer: ['POST', '/input', { input: 'i' }],
  ask: ['POST', '/input-request', { prompt: 'q' }],
  edit: ['PUT', '', { name: 'other' }],
  delete: ['DELETE', ''],
  progress: ['PATCH', '/progress', { progress: 5 }],
  renew: ['POST', '/attempts/1/renew', { waitMs: 0 }],
  message: ['POST', '/attempts/1/messages', { messages: [{ kind: 'progress', seq: 1, at, progress: 90 }] }],
  output: ['PATCH', '/attempts/1/streams/stdout', Buffer.from('x'), bytes],
  exited: ['POST', '/attempts/1/exited', exited],
  finish: ['POST', '/attempts/1/finish', report],
};

/** What becomes of a task: its status, `+` behind it when its end was asked for; a number is a refusal. */
type Row = Readonly<Record<string, string | number>>;

const attemptVerbs = (value: string | number) => ({ renew: value, message: value, output: value });
const ended = {
  PROCESSING: 409,
  WAITING_FOR_INPUT: 409,
  LOST: 400,
  cancel: 409,
  answer: 409,
  ask: 409,
  progress: 409,
};

/** By an agent. LOST is no word for anybody: only the server finds a task lost. */
const table: Readonly<Record<Status, Row>> = {
  PENDING: {
    ...{ PENDING: 'PENDING', PROCESSING: 'PROCESSING', WAITING_FOR_INPUT: 'WAITING_FOR_INPUT', LOST: 400 },
    ...{ COMPLETED: 'COMPLETED', FAILED: 'FAILED', CANCELLED: 'CANCELLED', cancel: 'CANCELLED+', retry: 409 },
    ...{ answer: 409, ask: 'WAITING_FOR_INPUT', edit: 'PENDING', delete: 'gone', progress: 'PROCESSING' },
    ...{ ...attemptVerbs(404), exited: 404, finish: 404 },
  },
  PROCESSING: {
    ...{ PENDING: 409, PROCESSING: 'PROCESSING', WAITING_FOR_INPUT: 'PROCESSING', LOST: 400 },
    // declared: the end comes with the report
    ...{ COMPLETED: 'PROCESSING', FAILED: 'PROCESSING', CANCELLED: 'PROCESSING+', cancel: 'PROCESSING+' },
    ...{ retry: 409, answer: 409, ask: 'WAITING_FOR_INPUT', edit: 'PROCESSING', delete: 409 },
    ...{ progress: 'PROCESSING', ...attemptVerbs('PROCESSING'), exited: 'COMPLETED', finish: 'COMPLETED' },
  },
  WAITING_FOR_INPUT: {
    ...{ PENDING: 409, PROCESSING: 'WAITING_FOR_INPUT', WAITING_FOR_INPUT: 'WAITING_FOR_INPUT', LOST: 400 },
    ...{ COMPLETED: 'WAITING_FOR_INPUT', FAILED: 'WAITING_FOR_INPUT', CANCELLED: 'WAITING_FOR_INPUT+' },
    ...{ cancel: 'WAITING_FOR_INPUT+', retry: 409, answer: 'PROCESSING', ask: 'WAITING_FOR_INPUT' },
    ...{ edit: 'WAITING_FOR_INPUT', delete: 409, progress: 'WAITING_FOR_INPUT' },
    ...{ ...attemptVerbs('WAITING_FOR_INPUT'), exited: 'COMPLETED', finish: 'COMPLETED' },
  },
  // the same end again, and the same report again, are repetitions: other ends change nothing
  COMPLETED: {
    ...{ ...ended, PENDING: 409, COMPLETED: 'COMPLETED', FAILED: 409, CANCELLED: 409, retry: 409 },
    ...{ edit: 'COMPLETED', delete: 'gone', ...attemptVerbs(409), exited: 'COMPLETED', finish: 'COMPLETED' },
  },
  FAILED: {
    ...{ ...ended, PENDING: 'PENDING', COMPLETED: 409, FAILED: 'FAILED', CANCELLED: 409, retry: 'PENDING' },
    ...{ edit: 'FAILED', delete: 'gone', ...attemptVerbs(409), exited: 'FAILED', finish: 'FAILED' },
  },
  CANCELLED: {
    ...{
      ...ended,
      PENDING: 'PENDING',
      COMPLETED: 409,
      FAILED: 409,
      CANCELLED: 'CANCELLED+',
      retry: 'PENDING',
    },
    ...{
      edit: 'CANCELLED+',
      delete: 'gone',
      ...attemptVerbs(409),
      exited: 'CANCELLED+',
      finish: 'CANCELLED+',
    },
  },
  // the late result of the same attempt counts; words about it are kept until then
  LOST: {
    ...{
      PENDING: 'PENDING',
      PROCESSING: 409,
      WAITING_FOR_INPUT: 409,
      COMPLETED: 'LOST',
      FAILED: 'LOST',
      LOST: 400,
    },
    ...{ CANCELLED: 'LOST+', cancel: 'CANCELLED+', retry: 'PENDING', answer: 409, ask: 'LOST', edit: 'LOST' },
    ...{ delete: 'gone', progress: 409, renew: 'PROCESSING', message: 'LOST', output: 'LOST' },
    ...{ exited: 'COMPLETED', finish: 'COMPLETED' },
  },
};

/** What a run may not do to its own task, whatever its status. */
const steering = ['PENDING', 'cancel', 'retry', 'answer', 'edit', 'delete', 'renew'];
const rowOf = (who: Who, status: Status): Row => ({
  ...table[status],
  ...(who === 'run' ? Object.fromEntries(steering.map((name) => [name, 403])) : {}),
});

const cases = taskStatuses.flatMap((status) =>
  (status === 'PENDING' ? (['agent'] as const) : (['agent', 'run'] as const)).map(
    (who) => [status, who] as const,
  ),
);

describe('S-06: a task that is', () => {
  test.each(taskStatuses)('%s has a row with every word and verb', (status) => {
    expect(Object.keys(table[status]).toSorted()).toEqual(Object.keys(calls).toSorted());
  });

  describe.each(cases)('%s, asked with the token of its %s,', (status, who) => {
    const row = rowOf(who, status);
    async function say({ path, tokens }: Awaited<ReturnType<typeof taskAt>>, name: string) {
      const [method, tail, body, headers = {}] = calls[name] ?? ['', ''];
      const all = { ...headers, authorization: `Bearer ${tokens[who]}` };
      return (await server.call(method, path + tail, body, all)).status;
    }

    test('refuses what the table refuses, and is as it was', async () => {
      const refused = Object.entries(row).filter(([, cell]) => typeof cell === 'number');
      const task = await taskAt(status);
      const before = await task.look();
      const got: Record<string, number> = {};
      for (const [name] of refused) got[name] = await say(task, name);
      expect(got).toEqual(Object.fromEntries(refused));
      expect(await task.look()).toEqual(before);
    });

    test('becomes what the table says', async () => {
      const lawful = Object.entries(row).filter(([, cell]) => typeof cell === 'string');
      const became: Record<string, string> = {};
      for (const [name] of lawful) {
        const task = await taskAt(status);
        expect([name, (await say(task, name)) < 300]).toEqual([name, true]);
        const { status: now = 'gone', cancelRequested } = await task.look();
        became[name] = `${now}${cancelRequested ? '+' : ''}`;
      }
      expect(became).toEqual(Object.fromEntries(lawful));
    });
  });
});

describe('S-06: the token of a session', () => {
  /** Sessions under one name each, with the token of the first. */
  async function place() {
    const { session } = await makeTask(server, {});
    const { token } = (await server.call('POST', 'tokens', { scope: 'session', sessionId: session.id })).body;
    const headers = { authorization: `Bearer ${token}` };
    const change = (body: object) =>
      server.call('PUT', `sessions/${session.id}`, { name: session.name, ...body }, headers);
    const look = async () => (await server.call('GET', `sessions/${session.id}`)).body;
    return { session, change, look, headers };
  }

  test.each([
    ['its time for git', { gitTimeoutSeconds: 86_400 }],
    ['its name, by which workflows, holds and policies find it', { name: 'the-session-of-a-workflow' }],
    ['its workspace, whose tasks it would get', { workspaceId: 'the-workspace-of-others' }],
  ])('does not change %s', async (_what, change) => {
    const { look, change: ask } = await place();
    const before = await look();
    const answer = await ask({ description: 'd', ...change });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'KERUTA_ERR_FORBIDDEN' } } });
    expect(answer.body.error.message).toContain(Object.keys(change)[0]);
    expect(await look()).toEqual(before);
  });

  test('changes the rest, and may say what stands', async () => {
    const { session, change, look } = await place();
    const all = { name: session.name, gitTimeoutSeconds: 60, workspaceId: 'own' };
    await server.call('PUT', `sessions/${session.id}`, all);
    for (const body of [{}, all]) {
      const wish = { ...body, description: 'd', tags: ['x'], repositoryRef: 'next' };
      expect((await change(wish)).status).toBe(200);
      expect(await look()).toMatchObject({ ...all, ...wish });
    }
  });

  test('does not change a policy, its own or that of all, nor workflows and their triggers', async () => {
    const { session, headers } = await place();
    const wishes = [
      ['PUT', `sessions/${session.id}/policy`, { maxConcurrent: 1000 }],
      ['PUT', 'policy', { maxConcurrent: 1000 }],
      ['POST', 'workflows', { name: 'w', session: session.name, run: 'true' }],
      ['PUT', 'deployment/workflows/w/deploy', { name: 'w', session: session.name, run: 'true' }],
      ['POST', 'holds/release', { scope: 'session', name: session.name }],
      ['POST', 'tokens', { scope: 'session', sessionId: session.id, role: 'admin' }],
    ] as const;
    for (const [method, path, body] of wishes) {
      const { status } = await server.call(method, path, body, headers);
      expect([path, status]).toEqual([path, 403]);
    }
    expect((await server.call('GET', 'workflows')).body).toEqual([]);
    expect((await server.call('GET', `sessions/${session.id}/policy`)).body).not.toMatchObject({
      maxConcurrent: 1000,
    });
  });
});
