import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { askEngine } from '../../pkg/docker/ask-engine.ts';
import { Engine } from '../../pkg/docker/engine.ts';
import { parseEngineAddress } from '../../pkg/docker/engine-address.ts';
import { git, makeRepository, temporaryDirectory } from '../fixtures/git.ts';
import { engineHost } from '../internal/executor/docker-engine.ts';
import { makePlace, type StartOptions, until } from './place.ts';

/** A whole runner in a container of a real engine, which takes the executable of this machine: the image has none. */
describe.skipIf(engineHost === null)('a runner in a container', () => {
  const place = makePlace('runner-in-docker');
  const address = parseEngineAddress(engineHost ?? 'unix:///nowhere');
  const engine = new Engine(address);
  const secret = 'a-token-of-git-5b1c';
  const image = 'keruta-test:runner';
  const ours = async () => [
    ...(await engine.list('keruta.runner', 'task')),
    ...(await engine.list('keruta.runner', 'look')),
  ];
  afterEach(async () => {
    for (const { id } of await ours()) await engine.remove(id);
  });
  afterAll(() => place.close());

  let count = 0;
  /** A repository, and the files of a task whose agent is this shell text. */
  function begin(agent: string, config: object = {}, context: object = {}) {
    const name = `task-${++count}`;
    const remote = join(temporaryDirectory('remote'), 'app.git');
    git('/', 'clone', '--quiet', '--bare', makeRepository({ 'sum.txt': '2 + 2 = 5\n' }), remote);
    place.file(`${name}/agent.sh`, `#!/bin/sh\nwhile read -r line; do :; done\n${agent}\n`, 0o755);
    const coder = { agent: 'custom', command: './agent.sh' };
    const common = {
      execution_mode: 'docker',
      docker_image: image,
      test_command: 'grep -q 4 sum.txt',
      test_rounds: 0,
      coder,
    };
    place.file(`${name}/runner.yaml`, JSON.stringify({ ...common, ...config }));
    place.file(
      `${name}/context.yaml`,
      JSON.stringify({ title: 'Mend the sum', task_id: name, repository_url: remote, ...context }),
    );
    const start = (words: readonly string[] = [], options: StartOptions = {}) =>
      place.start(
        place.executable,
        ['runner', 'run', '-f', 'context.yaml', '--config', 'runner.yaml', '--allow-local-git', ...words],
        {
          cwd: place.path(name),
          timeoutMs: 170_000,
          ...options,
          env: { ...place.env, KERUTA_DOCKER_HOST: engineHost ?? '', GIT_TOKEN: secret, ...options.env },
        },
      );
    return { name, remote, start, gate: join(remote, 'gate') };
  }

  const waits = (gate: string) =>
    `echo at work; while [ ! -e ${gate} ]; do sleep 0.1; done; echo "2 + 2 = 4" > sum.txt`;

  /** What anybody sees who may use the engine. */
  async function seen(): Promise<string> {
    const [one] = await engine.list('keruta.runner', 'task');
    const path = `/v1.41/containers/${one?.id}/json`;
    return (await askEngine(address, { method: 'GET', path, timeoutMs: 30_000, toDo: 'look' })).text;
  }

  test('does the task with its limits, shows what happens as it does, and hands out nothing that is secret', async () => {
    const task = begin('', { max_memory_mb: 700, max_cpu_percent: 150 });
    place.file(
      `${task.name}/agent.sh`,
      `#!/bin/sh\nread -r line\necho "token \${#GIT_TOKEN} \${HOME##*/}"\n${waits(task.gate)}\n`,
      0o755,
    );
    const run = task.start();
    await until('the agent is at work', () => run.stdout().includes('at work'), 120_000);
    const shown = await seen();
    expect(shown).toContain('"Memory":734003200');
    expect(shown).toContain('"NanoCpus":1500000000');
    expect(shown).not.toContain(secret);
    writeFileSync(task.gate, '');
    const { status, stdout, stderr } = await run.ended;
    expect({ status, stderr: stderr.replace(/.*repository mirrored.*\n/, '') }).toEqual({
      status: 0,
      stderr: '',
    });
    // programs that are agents do not get the token of git
    expect(stdout).toContain('token 0 home\n');
    expect(stdout).toMatch(/<== push: done[\s\S]*done in [\s\S]*branch +keruta-task-\S+, pushed/);
    const branch = /branch +(\S+), pushed/.exec(stdout)?.[1] ?? '';
    expect(git(task.remote, 'show', `${branch}:sum.txt`)).toBe('2 + 2 = 4');
    const artifacts = place.path(task.name, '.keruta/doc', task.name);
    expect(readFileSync(join(artifacts, 'diff/changes.diff'), 'utf8')).toContain('+2 + 2 = 4');
    const result = JSON.parse(readFileSync(join(artifacts, 'result/result.json'), 'utf8'));
    expect(result).toMatchObject({
      success: true,
      taskId: expect.stringContaining(task.name),
      isPushed: true,
    });
    expect(await ours()).toEqual([]);
  }, 180_000);

  test('keeps a coding agent that writes wherever it can from everything outside of its slot', async () => {
    const task = begin('');
    const evil = `evil-${task.name}-${process.pid}`;
    const [here, agent] = [place.path(task.name), place.path(`${task.name}/agent.sh`)];
    const machine = [tmpdir(), homedir(), place.home, place.directory, here];
    const hostile = [
      'while read -r line; do :; done',
      'put() { (echo evil > "$1") 2>/dev/null && echo "wrote $1"; }',
      `for there in .. ../.. ../../.. / /tmp "$HOME" ${machine.join(' ')}; do put "$there/${evil}"; done`,
      `(echo 'echo evil' >> ${agent}) 2>/dev/null && echo 'wrote itself'`,
      'echo "2 + 2 = 4" > sum.txt',
    ];
    const text = `#!/bin/sh\n${hostile.join('\n')}\n`;
    place.file(`${task.name}/agent.sh`, text, 0o755);
    const before = readdirSync(place.directory, { recursive: true }).length;
    const { status, stdout } = await task.start().ended;
    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(stdout).toContain(`wrote /tmp/${evil}`);
    expect(stdout).not.toContain('wrote itself');
    expect(readFileSync(agent, 'utf8')).toBe(text);
    const found = ['/', ...machine].filter((one) => existsSync(join(one, evil)));
    const below = readdirSync(place.directory, { recursive: true });
    expect([...found, ...below.filter((path) => String(path).includes(evil))]).toEqual([]);
    expect(below.length).toBeGreaterThan(before);
    const branch = /branch +(\S+), pushed/.exec(stdout)?.[1] ?? '';
    expect(git(task.remote, 'diff', '--name-only', 'main', branch)).toBe('sum.txt');
    expect(await ours()).toEqual([]);
  }, 180_000);

  test('does the example of agent tasks, by its own configuration', async () => {
    const [own, greeting] = [place.path('example'), place.path('greeting')];
    cpSync(resolve(import.meta.dirname, '../../examples/agent-task'), own, { recursive: true });
    const edit = (name: string, change: (text: string) => string) =>
      writeFileSync(join(own, name), change(readFileSync(join(own, name), 'utf8')));
    for (const name of ['README.md', 'context.yaml'])
      edit(name, (text) => text.replaceAll('/tmp/greeting', greeting));
    edit('runner.docker.yaml', (text) => text.replace('docker_image: keruta', `docker_image: ${image}`));
    const guide = readFileSync(join(own, 'README.md'), 'utf8');
    const begins = /```sh\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
    expect(await place.bash(begins, { cwd: own })).toMatchObject({ status: 0 });
    const words = (/^keruta (runner run .*runner\.docker\.yaml.*)$/m.exec(guide)?.[1] ?? '').split(' ');
    const env = { ...place.env, DOCKER_HOST: engineHost ?? '' };
    const { status, stdout } = await place.keruta([...words, '--json'], {
      cwd: own,
      env,
      timeoutMs: 170_000,
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ success: true, pushed: true, llm_model: 'toy' });
  }, 180_000);

  test('gives the result alone with --json, and its exit status', async () => {
    const task = begin('echo nothing is mended; echo more > more.txt');
    const { status, stdout, stderr } = await task.start(['--json']).ended;
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ success: false, error: { kind: 'TestExecutionError' } });
    expect(stderr).toContain('nothing is mended');
  }, 180_000);

  test('works in a slot that is there already, at the place that a volume has inside', async () => {
    const work = temporaryDirectory('work');
    git(
      '/',
      'clone',
      '--quiet',
      '--bare',
      makeRepository({ 'sum.txt': '2 + 2 = 5\n' }),
      join(work, 'app.git'),
    );
    git(work, 'clone', '--quiet', 'app.git', 'slot');
    git(join(work, 'slot'), 'remote', 'set-url', 'origin', '/work/app.git');
    const task = begin(
      'echo "2 + 2 = 4" > sum.txt; pwd',
      { docker_volumes: { [work]: '/work' } },
      { slot_path: join(work, 'slot'), repository_url: null },
    );
    const { status, stdout } = await task.start().ended;
    expect([status, stdout]).toEqual([0, expect.stringContaining('\n/work/slot\n')]);
    const branch = /branch +(\S+), pushed/.exec(stdout)?.[1] ?? '';
    expect(git(join(work, 'app.git'), 'show', `${branch}:sum.txt`)).toBe('2 + 2 = 4');
  }, 180_000);

  test('speaks for the task of a session that it is a part of', async () => {
    await place.server();
    const task = begin('echo "2 + 2 = 4" > sum.txt');
    const id = await place.session('app', { repositoryUrl: task.remote });
    const env = { ...place.env, DOCKER_HOST: engineHost ?? '' };
    const config = place.path(task.name, 'runner.yaml');
    await place.daemon(id, ['--allow-local-git', '--runner-config', config], { env });
    const added = await place.keruta([
      'task',
      'add',
      '-f',
      place.file('app.json', '{"title": "Mend"}'),
      '--session',
      id,
    ]);
    const ended = await place.whole(added.stdout.trim(), 120_000);
    expect(ended).toMatchObject({
      status: 'COMPLETED',
      message: expect.stringMatching(/^\S+ pushed, tests pass$/),
    });
    const paths = (await place.artifacts(ended.id)).map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['changes.diff', 'result.json', 'tests.log']));
    expect(await place.logs(ended.id)).toContain('==> implement');
  }, 180_000);

  test('is ended by Ctrl-C: it gives its slot back, and its container is gone', async () => {
    const task = begin('');
    place.file(`${task.name}/agent.sh`, `#!/bin/sh\n${waits(task.gate)}\n`, 0o755);
    const run = task.start();
    await until('the agent is at work', () => run.stdout().includes('at work'), 120_000);
    const { status, stdout } = await run.stop('SIGINT');
    expect(status).toBe(130);
    expect(stdout).toContain('RunnerError: The task was stopped.');
    expect(await ours()).toEqual([]);
  }, 180_000);

  test('ends when who started it is killed, and a second start goes on with what was done', async () => {
    const task = begin('');
    place.file(`${task.name}/agent.sh`, `#!/bin/sh\n${waits(task.gate)}\n`, 0o755);
    const state = ['--state', 'state'];
    const run = task.start(state);
    await until('the agent is at work', () => run.stdout().includes('at work'), 120_000);
    await run.stop('SIGKILL');
    await until(
      'its container has ended',
      async () => (await ours()).every((one) => one.status === 'exited'),
      60_000,
    );
    writeFileSync(task.gate, '');
    const { status, stdout } = await task.start(state).ended;
    expect([status, stdout]).toEqual([0, expect.stringMatching(/branch +\S+, pushed/)]);
    expect(stdout.match(/==> prepare/g)).toHaveLength(1);
    expect(await ours()).toEqual([]);
  }, 180_000);

  test('says that somebody else removed its container', async () => {
    const task = begin('');
    place.file(`${task.name}/agent.sh`, `#!/bin/sh\n${waits(task.gate)}\n`, 0o755);
    const run = task.start(['--json']);
    await until('the agent is at work', () => run.stderr().includes('at work'), 120_000);
    for (const { id } of await ours()) await engine.remove(id);
    const { status, stdout } = await run.ended;
    expect(status).toBe(1);
    const { error, phases } = JSON.parse(stdout);
    expect(error).toMatchObject({
      kind: 'RunnerError',
      message: expect.stringMatching(/removed by somebody else|was killed in the phase implement/),
    });
    expect(phases).toMatchObject([{ phase: 'prepare', outcome: 'done' }]);
  }, 180_000);

  test('says that memory ran out, and at which limit', async () => {
    const eats = 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done';
    const task = begin('echo "2 + 2 = 4" > sum.txt', { max_memory_mb: 300, test_command: eats });
    const { status, stdout } = await task.start(['--json']).ended;
    expect(status).toBe(1);
    const { error } = JSON.parse(stdout);
    expect(error.kind).toBe('TestExecutionError');
    expect(error.details[0]).toMatch(/memory ran out in a container of the image .*; max_memory_mb is 300\./);
  }, 180_000);

  test.each([
    [
      'the engine is down',
      {},
      { KERUTA_DOCKER_HOST: 'unix:///nowhere/engine.sock' },
      /unix:\/\/\/nowhere\/engine\.sock .*no such socket.*start the engine/,
    ],
    [
      'the image is missing',
      { docker_image: 'keruta-test:not-there' },
      {},
      /has no image keruta-test:not-there; run `docker .*pull/,
    ],
    [
      'the image has no shell and no git',
      { docker_image: 'keruta-test:bare' },
      {},
      /the image keruta-test:bare has no shell \(sh\), no git/,
    ],
    ['a volume is not there', { docker_volumes: { '/nowhere/at-all': '/data' } }, {}, /\/nowhere\/at-all/],
  ])(
    'says so as a result when %s',
    async (_name, config, env, message) => {
      const task = begin('true', config);
      const { status, stdout } = await task.start(['--json'], { env }).ended;
      expect(status).toBe(1);
      const { success, error } = JSON.parse(stdout);
      expect({ success, kind: error.kind }).toEqual({ success: false, kind: 'WorkspacePreparationError' });
      expect(error.message).toMatch(message);
      const kept = place.path(task.name, '.keruta/doc', task.name, 'result/result.json');
      expect(JSON.parse(readFileSync(kept, 'utf8'))).toMatchObject({
        success: false,
        error: { kind: error.kind },
      });
    },
    180_000,
  );
});
