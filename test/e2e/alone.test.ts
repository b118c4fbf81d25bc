import { mkdirSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePlace, until } from './place.ts';

/** The executable alone: an empty directory, and no environment at all. */
const place = makePlace('alone');
const cwd = place.path('empty');
const env: Record<string, string> = {};
/** For those that run scripts: they need a shell. */
const withShell = { PATH: '/usr/bin:/bin' };
let access: string[] = [];
let url = '';

beforeAll(() => {
  mkdirSync(cwd);
});
afterAll(() => place.close());

const keruta = (words: readonly string[], variables = env) => place.keruta(words, { cwd, env: variables });

test('--help, version and completion need nothing at all', async () => {
  const help = await keruta(['--help']);
  expect(help).toMatchObject({ status: 0, stderr: '' });
  expect(help.stdout).toMatch(/keruta server[\s\S]*keruta daemon|server[\s\S]*daemon/);
  expect(await keruta(['version'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/\d+\.\d+\.\d+/),
  });
  const completion = await keruta(['completion', 'bash']);
  expect(completion).toMatchObject({ status: 0, stderr: '' });
  const parsed = await place.bash(`bash -n ${place.file('completion', completion.stdout)}`);
  expect(parsed).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(cwd)).toEqual([]);
});

test('the server starts in an empty directory and says where it listens and where its token is', async () => {
  const server = place.start(place.executable, ['server', '--port', '0', '--data-dir', 'data'], {
    cwd,
    env,
    timeoutMs: 170_000,
  });
  await until('the server says both', () => /admin token is in/.test(server.stdout()));
  url = /keruta listens on (\S+)/.exec(server.stdout())?.[1] ?? '';
  expect(server.stdout()).toContain(`the admin token is in ${cwd}/data/admin.token`);
  access = ['--api-url', url, '--api-token-file', 'data/admin.token'];
});

test('a session is made, an agent works in it, and run shows and ends as the script does', async () => {
  const session = await keruta(['session', 'create', 'demo', '--json', ...access]);
  expect(session).toMatchObject({ status: 0, stderr: '' });
  const { id } = JSON.parse(session.stdout) as { id: string };
  const words = ['daemon', '--session-id', id, '--port', '0', '--base-dir', 'agent', ...access];
  const daemon = place.start(place.executable, words, { cwd, env: withShell, timeoutMs: 170_000 });
  await until('the agent is ready', () => /the agent is ready/.test(daemon.stderr()));

  const script =
    'echo out; echo err >&2; keruta progress 40; echo kept > "$KERUTA_ARTIFACTS_DIR/a.txt"; exit 3';
  const words2 = ['run', '-c', script, '--session', 'demo', '--no-auto-fix', '--quiet', ...access];
  expect(await keruta(words2)).toMatchObject({ status: 3, stdout: 'out\n', stderr: 'err\n' });

  const list = await keruta(['task', 'list', '--session', 'demo', '--json', ...access]);
  const [task] = JSON.parse(list.stdout) as { id: string; status: string; progress: number }[];
  expect(task).toMatchObject({ status: 'FAILED', progress: 40, exitCode: 3 });
  const logs = await keruta(['task', 'logs', '-f', task!.id, ...access]);
  expect(logs).toMatchObject({ status: 0, stdout: 'out\n', stderr: 'err\n' });
  const artifacts = await keruta(['artifact', 'list', '--task-id', task!.id, ...access]);
  expect(artifacts).toMatchObject({ status: 0, stderr: '' });
  expect(artifacts.stdout).toMatch(/a\.txt +5 +text\/plain/);

  expect(await daemon.stop()).toMatchObject({ status: 0 });
});

test('task logs -f shows lines while the task runs', async () => {
  const words = ['daemon', '--session-id', 'demo', '--port', '0', '--base-dir', 'agent', ...access];
  const daemon = place.start(place.executable, words, { cwd, env: withShell, timeoutMs: 170_000 });
  const go = place.path('go');
  const script = `echo first; while [ ! -e ${go} ]; do sleep 0.05; done; echo second`;
  const added = await keruta(['task', 'add', '-c', script, '--session', 'demo', ...access]);
  expect(added.status).toBe(0);
  const logs = place.start(place.executable, ['task', 'logs', '-f', added.stdout.trim(), ...access], {
    cwd,
    env,
  });
  await until('the first line is shown', () => logs.stdout() === 'first\n');
  place.file('go', '');
  expect(await logs.ended).toMatchObject({ status: 0, stdout: 'first\nsecond\n', stderr: '' });
  await daemon.stop();
});

test('up is server and agent in one, with nothing configured', async () => {
  const base = ['--base-dir', place.path('base')];
  const up = place.start(place.executable, ['up', '--port', '0', '--agent-port', '0', ...base], {
    cwd,
    env: withShell,
    timeoutMs: 170_000,
  });
  await until('the agent is ready', () => /the agent is ready/.test(up.stderr()));
  // the commands of the same machine find address and token by themselves
  const run = await keruta(['run', '-c', 'echo hello from $PWD', ...base]);
  expect(run).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('hello from /') });
  expect(await up.stop()).toMatchObject({ status: 0 });
});
