import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { calls, chatPath, done } from '../fake-server/chat.ts';
import { startFakeServer } from '../fake-server/fake-server.ts';
import { git, makeRepository, temporaryDirectory } from '../fixtures/git.ts';
import { hasEnded, makePlace, type RunningServer, until } from './place.ts';

/** Agent tasks with the built program: a repository whose test fails, and agents that make it pass on a branch. */
const place = makePlace('agent-task');
let server: RunningServer;
const secret = 'a-key-of-the-model-9d2f';

const files = {
  'package.json': JSON.stringify({ name: 'app', private: true, scripts: { test: 'node check.js' } }),
  'sum.js': 'module.exports = (a, b) => a - b;\n',
  'check.js': "if (require('./sum.js')(2, 2) !== 4) { console.log('2 + 2 is wrong'); process.exit(1); }\n",
};
const mended = 'module.exports = (a, b) => a + b;\n';
const context = (more: object = {}) =>
  JSON.stringify({ title: 'Mend the sum', acceptance_criteria: ['2 + 2 is 4'], publish: 'branch', ...more });

beforeAll(async () => {
  server = await place.server();
});
afterAll(() => place.close());

/** A bare repository, a session with it, and an agent that works by this configuration. */
async function begin(name: string, coder: object, env: Readonly<Record<string, string>> = {}) {
  const remote = join(temporaryDirectory('remote'), 'app.git');
  git('/', 'clone', '--quiet', '--bare', makeRepository(files), remote);
  const session = await place.session(name, { repositoryUrl: remote });
  const config = place.file(`${name}.yaml`, JSON.stringify({ coder }));
  const args = ['--base-dir', place.path(session), '--allow-local-git', '--runner-config', config];
  const options = { env: { ...place.env, ...env } };
  const daemon = await place.daemon(session, args, options);
  return { remote, session, args, options, daemon };
}

async function add(session: string, file: string): Promise<string> {
  const { stdout, status, stderr } = await place.keruta(['task', 'add', '-f', file, '--session', session]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

/** What has to be there whoever did it, and whatever happened to the agent meanwhile. */
async function expectDone(id: string, remote: string): Promise<void> {
  const task = await place.whole(id, 90_000);
  expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0, attempt: 1, kind: 'agent' });
  const branch = /^(\S+) pushed, tests pass$/.exec(task.message)?.[1] ?? '';
  expect(`${git(remote, 'show', `${branch}:sum.js`)}\n`).toBe(mended);
  expect(git(remote, 'log', '-1', '--format=%B', branch)).toContain(`Keruta-Task: ${id}`);
  expect(git(remote, 'rev-list', '--count', `main..${branch}`)).toBe('1');
  const paths = (await place.artifacts(id)).map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['changes.diff', 'result.json', 'tests.log']));
  expect(paths.some((path) => path.startsWith('transcript-1.'))).toBe(true);
  const diff = await place.keruta(['task', 'diff', id]);
  expect(diff.stdout).toContain('+module.exports = (a, b) => a + b;');
  const shown = await place.keruta(['task', 'show', id]);
  expect(shown.stdout).toMatch(/phases +prepare, implement, test, commit, push, report/);
  expect(shown.stdout).toMatch(/cost +\$0\.0/);
}

/** An agent that says where it is, and waits there until it is let go. */
function toyAgent(name: string, gate: string): string {
  return place.file(
    name,
    `#!/bin/sh
cat > /dev/null
echo at work
while [ ! -e ${gate} ]; do sleep 0.05; done
echo 'module.exports = (a, b) => a + b;' > sum.js
echo '{"usage": {"model": "toy", "tokens_in": 100, "tokens_out": 20, "cost_usd": 0.03}, "summary": "It adds now."}'
`,
    0o755,
  );
}

describe.concurrent('an agent task', () => {
  test('is done by a program that is an agent, also when keruta’s agent is killed while it works', async () => {
    const gate = place.path('gate-one');
    const { remote, session, args, options, daemon } = await begin('toy', {
      ...{ agent: 'custom', command: toyAgent('toy-agent', gate) },
    });
    const id = await add(session, place.file('one.json', context()));
    await until('it works', async () => (await place.logs(id)).includes('at work'), 60_000);
    await daemon.stop('SIGKILL');
    writeFileSync(gate, '');
    await place.daemon(session, args, options);
    await expectDone(id, remote);
  });

  test.each([
    ['prepare', 'prepare'],
    ['test', 'test'],
    ['commit', 'commit'],
    ['report', 'report'],
  ])('comes to the same when keruta’s agent is killed at the phase %s', async (name, phase) => {
    const gate = place.file(`gate-${name}`, '');
    const { remote, session, args, options, daemon } = await begin(`toy ${name}`, {
      ...{ agent: 'custom', command: toyAgent(`agent-${name}`, gate) },
    });
    const id = await add(session, place.file(`${name}.json`, context()));
    await until('the phase begins', async () => (await place.logs(id)).includes(`==> ${phase}`), 60_000);
    await daemon.stop('SIGKILL');
    await place.daemon(session, args, options);
    await expectDone(id, remote);
  });

  test('is done by a model behind an endpoint, whose key nobody sees', async () => {
    const model = await startFakeServer();
    model.route(
      'POST',
      chatPath,
      calls('write_file', { path: 'sum.js', content: mended }),
      calls('run_command', { command: 'env; echo done' }),
      done('It adds now.'),
    );
    const coder = {
      ...{ agent: 'endpoint', endpoint: `${model.url}/v1`, model: 'gpt-4' },
      prices: { 'gpt-4': { in: 100, out: 200 } },
    };
    const { remote, session } = await begin('model', coder, { OPENAI_API_KEY: secret });
    const id = await add(session, place.file('model.json', context()));
    await expectDone(id, remote);
    const sent = model.requests.map(({ body }) => body.toString()).join('\n');
    expect(sent).toContain('Mend the sum');
    const log = await place.logs(id);
    for (const text of [sent, log, git(remote, 'log', '-p', '--all')]) expect(text).not.toContain(secret);
    await model.close();
  });

  test('waits for what it depends on, and says so when that fails', async () => {
    const session = await place.session('waiting');
    const first = await place.submit(session, 'exit 3', { name: 'first' });
    const file = place.file('later.json', context({ dependencies: ['first'], kind: 'playbook' }));
    const id = await add(session, file);
    expect(await place.task(id)).toMatchObject({ unmetNeeds: 1, message: 'waits for a task to succeed' });
    const daemon = await place.daemon(session, ['--base-dir', place.path(session)]);
    await place.ended(first, 60_000);
    const blocked = await place.when(id, ({ blockedBy }) => blockedBy === first, 30_000);
    expect(blocked.message).toMatch(/^blocked: task .* did not/);
    await daemon.stop();
  });
});

describe('a script that fails where there is a coding agent', () => {
  /** The tasks of a session, by generation, when none is under way any more. */
  async function family(session: string): Promise<TaskWire[]> {
    const all = () => place.api<TaskWire[]>('GET', `/sessions/${session}/tasks`);
    await until('all have ended', async () => (await all()).every(({ status }) => hasEnded(status)), 120_000);
    return (await all()).sort((a, b) => a.fixCount - b.fixCount);
  }

  test('begets a task for it, with the failure in its prompt, which mends the repository on a branch', async () => {
    const prompt = place.path('prompt.md');
    const command = place.file(
      'mender',
      `#!/bin/sh\ncat > ${prompt}\necho 'module.exports = (a, b) => a + b;' > sum.js\n`,
      0o755,
    );
    const { remote, session } = await begin('mending', { agent: 'custom', command });
    await place.submit(session, 'node check.js', { name: 'check', autoFix: true });
    const [script, fix, ...more] = await family(session);
    expect(more).toEqual([]);
    expect(script).toMatchObject({ kind: 'script', status: 'FAILED' });
    expect(fix).toMatchObject({ kind: 'agent', status: 'COMPLETED', parentTaskId: script!.id });
    const branch = /^(\S+) pushed/.exec(fix!.message)?.[1] ?? '';
    expect(`${git(remote, 'show', `${branch}:sum.js`)}\n`).toBe(mended);
    const told = readFileSync(prompt, 'utf8');
    expect(told).toMatch(/^# Task: Mend: check$/m);
    expect(told).toMatch(/The failure that is to be mended[\s\S]*2 \+ 2 is wrong/);
    expect(told).toContain('node check.js');
  }, 180_000);

  test('is given up when the coding agent fails twice in the same way', async () => {
    const command = place.file('idler', '#!/bin/sh\ncat > /dev/null\n', 0o755);
    const { session } = await begin('idling', { agent: 'custom', command });
    await place.submit(session, 'exit 3', { name: 'three', autoFix: true });
    const tasks = await family(session);
    expect(tasks.map(({ kind, fixCount, status }) => [kind, fixCount, status])).toEqual([
      ['script', 0, 'FAILED'],
      ['agent', 1, 'FAILED'],
      ['agent', 2, 'FAILED'],
    ]);
  }, 180_000);
});

describe('bad input', () => {
  test.each([
    ['no title', '{}', /title/],
    ['an unknown key', context({ titel: 1 }), /titel/],
    ['a branch that git refuses', context({ branch_name: 'a..b' }), /branch_name/],
    ['a dependency that is not there', context({ dependencies: ['nope'] }), /nope/],
    [
      'a dependency on itself, which would be a circle',
      context({ task_id: '9.9', dependencies: ['9.9'] }),
      /9\.9/,
    ],
  ])('with %s is told what is wrong', async (name, text, told) => {
    const session = await place.session(`bad ${name}`);
    const file = place.file('bad.json', text);
    const { status, stderr } = await place.keruta(['task', 'add', '-f', file, '--session', session]);
    expect([2, 4]).toContain(status);
    expect(stderr).toMatch(told);
  });

  test('for the runner itself ends with 2, before anything is done, and is a result for a dispatcher', async () => {
    const file = place.file('nothing.json', '{"title": "x"}');
    const { status, stdout, stderr } = await place.keruta(['runner', 'run', '-f', file, '--json']);
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      success: false,
      error: { kind: 'TaskContextValidationError' },
    });
    expect(stderr).toMatch(/repository_url/);
    expect(existsSync(join(place.home, '.keruta', 'pool'))).toBe(false);
    void server;
  });
});
