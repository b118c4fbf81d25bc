import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, expect, test } from 'vitest';
import { type FakeServer, startFakeServer } from '../fake-server/fake-server.ts';
import { makePlace, until } from './place.ts';

/** The agent against a server of the plain protocol: no claims, no streams, IN_PROGRESS, dates as arrays. */
const place = makePlace('plain');
let server: FakeServer;
afterEach(() => server.close());
afterAll(() => place.close());

interface PlainTask {
  readonly id: string;
  readonly script: string;
  status: string;
  readonly statuses: Record<string, unknown>[];
  readonly logs: { level: string; message: string }[];
  readonly artifacts: string[];
  answer: string | null;
}

/** Tasks in memory, and the routes of an older server. */
async function plainServer() {
  server = await startFakeServer();
  const session = { id: randomUUID(), name: 'old', status: 'ACTIVE', tags: [], repositoryUrl: null };
  const tasks: PlainTask[] = [];
  const find = (id = '') => tasks.find((task) => task.id === id)!;
  const wire = ({ id, status }: PlainTask) => ({
    ...{ id, status, sessionId: session.id, name: 'old task', script: '', progress: 0 },
    createdAt: [2025, 9, 7, 22, 36, 8, 123456000],
  });
  const base = '/api/v1';
  server.route('GET', `${base}/health`, {
    json: { status: 'UP', timestamp: '2025-09-07T22:36:08', message: '' },
  });
  server.route('GET', `${base}/sessions/:id`, () => ({ json: session }));
  server.route('GET', `${base}/sessions/:id/tasks`, ({ query }) => ({
    json: tasks
      .filter((task) => task.status === query.get('status'))
      .map(wire)
      .reverse(),
  }));
  server.route('GET', `${base}/tasks/:id`, ({ params }) => ({ json: wire(find(params.id)) }));
  server.route('GET', `${base}/tasks/:id/script`, ({ params }) => {
    const { id, script } = find(params.id);
    return { json: { taskId: id, script: { content: script, language: 'bash', parameters: {} } } };
  });
  server.route('PUT', `${base}/tasks/:id/status`, ({ params, json }) => {
    const body = json as { status: string };
    if (body.status === 'PROCESSING') return { status: 500, json: { error: 'no such status' } };
    const task = find(params.id);
    task.statuses.push(body);
    task.status = body.status;
    return { json: wire(task) };
  });
  server.route('POST', `${base}/tasks/:id/logs`, ({ params, json }) => {
    find(params.id).logs.push(json as PlainTask['logs'][number]);
    return { status: 201, json: {} };
  });
  server.route('POST', `${base}/tasks/:id/artifacts`, ({ params, body, headers }) => {
    find(params.id).artifacts.push(`${headers['content-type']}\n${body.toString()}`);
    return { status: 201, json: {} };
  });
  server.route('POST', `${base}/tasks/:id/input-request`, { status: 200, json: {} });
  server.route('GET', `${base}/tasks/:id/input`, ({ params }) => {
    const { answer } = find(params.id);
    return answer === null ? { status: 404 } : { json: { input: answer } };
  });
  place.use(server.url, 'krt_plain');
  return {
    session,
    add: (script: string): PlainTask => {
      const task = {
        id: randomUUID(),
        script,
        status: 'PENDING',
        statuses: [],
        logs: [],
        artifacts: [],
        answer: null,
      };
      tasks.push(task);
      return task;
    },
  };
}

const agentFor = (session: { id: string }) =>
  place.daemon(session.id, ['--poll-interval', '200ms', '--base-dir', place.path(session.id)]);

test('a task runs: its lines arrive one by one, its files as forms, and then its end', async () => {
  const { session, add } = await plainServer();
  const task = add(`keruta start
echo "line one"; echo; echo "line three"; echo "on stderr" >&2
keruta progress 60 --message "more than half"
keruta log WARN "take care"
echo content > "$KERUTA_ARTIFACTS_DIR/kept.txt"
printf "no end"`);
  const daemon = await agentFor(session);
  await until('it has ended', () => task.status === 'COMPLETED');
  expect(task.statuses[0]).toMatchObject({ status: 'IN_PROGRESS', message: '', progress: 0, errorCode: '' });
  expect(task.statuses).toContainEqual(
    expect.objectContaining({ status: 'IN_PROGRESS', progress: 60, message: 'more than half' }),
  );
  expect(task.statuses.at(-1)).toMatchObject({ status: 'COMPLETED', progress: 100 });
  const said = (level: string) =>
    task.logs.filter((log) => log.level === level).map(({ message }) => message);
  expect(said('INFO')).toEqual(['line one', '', 'line three', 'no end']);
  expect(said('ERROR')).toEqual(['on stderr']);
  expect(said('WARN')).toEqual(['take care']);
  expect(task.artifacts).toHaveLength(1);
  expect(task.artifacts[0]).toMatch(/^multipart\/form-data[\s\S]*filename="kept.txt"[\s\S]*content\n/);

  // the refused word is tried once, not with each task
  const another = add('exit 3');
  await until('the other one has ended', () => another.status === 'FAILED');
  expect(another.statuses.at(-1)).toMatchObject({ status: 'FAILED', errorCode: 'SCRIPT_EXECUTION_ERROR' });
  const refused = server.requests.filter(
    ({ json }) => (json as { status?: string })?.status === 'PROCESSING',
  );
  expect(refused).toHaveLength(1);
  expect(await daemon.stop()).toMatchObject({ status: 0 });
});

test('a question is answered by polling, and a session that has ended ends the agent', async () => {
  const { session, add } = await plainServer();
  const task = add('answer=$(keruta ask "Go on?"); echo "got $answer"');
  const daemon = await agentFor(session);
  await until('it waits', () => task.status === 'WAITING_FOR_INPUT');
  expect(task.statuses.at(-1)).toMatchObject({ message: 'Go on?' });
  task.answer = 'yes\n';
  await until('it has ended', () => task.status === 'COMPLETED');
  expect(task.logs.map(({ message }) => message)).toEqual(['got yes']);
  session.status = 'COMPLETED';
  expect(await daemon.ended).toMatchObject({ status: 0 });
});

test('an agent that is killed in mid-run brings the task to its end, each line once', async () => {
  const { session, add } = await plainServer();
  const task = add('for i in $(seq 1 60); do echo "n $i"; sleep 0.02; done; exit 4');
  const first = await agentFor(session);
  await until('lines arrive', () => task.logs.length > 10);
  await first.stop('SIGKILL');
  const second = await agentFor(session);
  await until('it has ended', () => task.status === 'FAILED');
  const lines = task.logs.filter(({ level }) => level === 'INFO').map(({ message }) => message);
  expect([...new Set(lines)]).toEqual(Array.from({ length: 60 }, (_, n) => `n ${n + 1}`));
  // what was on the wire when it died may come twice; nothing else
  expect(lines.length).toBeLessThan(90);
  expect(task.statuses.filter(({ status }) => status === 'FAILED')).toHaveLength(1);
  await second.stop();
});
