import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { makeRepository, temporaryDirectory } from '../fixtures/git.ts';
import { type GitHttps, serveGit } from '../fixtures/git-https.ts';
import type { Document } from '../fixtures/schemas/make-check.ts';
import { ApiDouble } from '../pkg/kubernetes/double/api-double.ts';
import { canRunPods } from '../pkg/kubernetes/double/can-run-pods.ts';
import { type Ended, makePlace, type Started, type StartOptions, until } from './place.ts';

/** A whole runner in a pod of the double, which runs what pods run: its git server asks for a token that only a Secret of the cluster has. */
describe.runIf(canRunPods)('a runner in a pod', () => {
  const place = makePlace('runner-in-kubernetes');
  const token = 'a-token-of-git-77e1';
  const spoken = 'a-secret-of-this-machine-19';
  const rules = parseAllDocuments(
    readFileSync(join(import.meta.dirname, '../../deploy/kubernetes/runner.yaml'), 'utf8'),
  )
    .map((document): Document => document.toJS())
    .find(({ kind }) => kind === 'Role').rules;
  const programs = place.path('programs');
  const api = new ApiDouble({
    namespace: 'acme',
    claims: {},
    secrets: { 'git-token': { GIT_TOKEN: `${token}\n`, 'no-variable': 'x' }, empty: {} },
    rules,
    programs,
  });
  const secrets: Document[] = [];
  const bodies: string[] = [];
  const remotes: GitHttps[] = [];

  beforeAll(async () => {
    mkdirSync(programs);
    symlinkSync(place.executable, join(programs, 'keruta'));
    api.store.watch(0, ({ kind, type, object }) => {
      if (kind === 'secrets' && type === 'ADDED') secrets.push(object);
      if (kind === 'jobs' || kind === 'pods') bodies.push(JSON.stringify(object));
    });
    await api.listen();
    const config = {
      'current-context': 'double',
      contexts: [{ name: 'double', context: { cluster: 'here', user: 'me', namespace: 'elsewhere' } }],
      clusters: [{ name: 'here', cluster: { server: api.url } }],
      users: [{ name: 'me', user: { token: api.token } }],
    };
    place.file('kubeconfig', JSON.stringify(config));
  });
  afterEach(() => {
    api.controllers.fate = { kind: 'runs' };
  });
  afterAll(async () => {
    await place.close();
    await api.stop();
    for (const remote of remotes) remote.close();
    expect(api.complaints).toEqual([]);
  });

  const left = () => ['jobs', 'pods', 'secrets'].flatMap((kind) => api.store.list(kind));
  const podName = () => api.store.list('pods')[0]?.metadata.name ?? '';

  let count = 0;
  /** A repository behind a server that asks who is there, and the files of a task whose agent is this shell text. */
  async function begin(agent: string, config: object = {}, context: object = {}) {
    const name = `task-${++count}`;
    const repository = makeRepository({ 'sum.txt': '2 + 2 = 5\n' });
    const remote = await serveGit({ repository, path: 'app', isLetIn: (user) => user.endsWith(`:${token}`) });
    remotes.push(remote);
    place.file(`${name}/agent.sh`, `#!/bin/sh\nwhile read -r line; do :; done\n${agent}\n`, 0o755);
    const common = {
      execution_mode: 'kubernetes',
      ...{ k8s_namespace: 'acme', k8s_image: 'acme/agent-runner:latest', k8s_secrets: ['git-token'] },
      test_command: 'grep -q 4 sum.txt',
      test_rounds: 0,
      coder: { agent: 'custom', command: './agent.sh' },
    };
    place.file(`${name}/runner.yaml`, JSON.stringify({ ...common, ...config }));
    const url = `${remote.origin}/app.git`;
    place.file(
      `${name}/context.yaml`,
      JSON.stringify({ title: 'Mend the sum', task_id: name, repository_url: url, ...context }),
    );
    const start = (words: readonly string[] = [], options: StartOptions = {}) =>
      place.start(
        place.executable,
        ['runner', 'run', '-f', 'context.yaml', '--config', 'runner.yaml', ...words],
        {
          ...{ cwd: place.path(name), timeoutMs: 170_000 },
          ...options,
          env: {
            ...{ ...place.env, KUBECONFIG: place.path('kubeconfig'), SPOKEN_SECRET: spoken },
            ...{ GIT_SSL_CAINFO: remote.certificate, ...options.env },
          },
        },
      );
    // the server is in this process
    const fetched = async (branch: string, file: string) => {
      const clone = join(temporaryDirectory('fetched'), 'app');
      const from = `https://x:${token}@${remote.origin.slice('https://'.length)}/app.git`;
      const env = { ...process.env, GIT_SSL_CAINFO: remote.certificate };
      await promisify(execFile)('git', ['clone', '--quiet', '-b', branch, from, clone], { env });
      return readFileSync(join(clone, file), 'utf8');
    };
    return { name, url, start, fetched, gate: place.path(name, 'gate') };
  }

  /** Waits until its agent works; a runner that ends before says why. */
  async function atWork(run: Started) {
    let early: Ended | null = null;
    void run.ended.then((ended) => {
      early = ended;
    });
    const said = () => `${run.stdout()}${run.stderr()}`.includes('at work');
    await until('the agent is at work', () => said() || early !== null, 120_000);
    if (!said()) throw new Error(`it has ended: ${JSON.stringify(early)}`);
  }

  const waits = (gate: string) =>
    `echo at work; while [ ! -e ${gate} ]; do sleep 0.1; done; echo "2 + 2 = 4" > sum.txt`;

  test('does the task with its limits, by a token of the cluster, and shows nobody what is secret', async () => {
    const task = await begin('', { max_memory_mb: 4096, max_cpu_percent: 200 });
    place.file(
      `${task.name}/agent.sh`,
      `#!/bin/sh\nread -r line\necho "token \${#GIT_TOKEN} \${HOME##*/} \${KERUTA_RUNNER_RELAY-no relay}"\n` +
        `grep -l "${token.slice(0, 9)}" -r /run/keruta; echo "$SPOKEN_SECRET"\n${waits(task.gate)}\n`,
      0o755,
    );
    const run = task.start();
    await atWork(run);
    // what was handed over is taken
    expect(api.store.list('secrets')).toEqual([]);
    const [pod] = api.store.list('pods');
    expect(pod.spec.containers[0]).toMatchObject({
      image: 'acme/agent-runner:latest',
      resources: { limits: { memory: '4294967296', cpu: '2' } },
    });
    writeFileSync(task.gate, '');
    const { status, stdout, stderr } = await run.ended;
    expect({ status, stderr: stderr.replace(/.*repository mirrored.*\n/, '') }).toEqual({
      status: 0,
      stderr: '',
    });
    // programs that are agents do not get the token of git, nor find it
    expect(stdout).toMatch(/token 0 home no relay\n(?!\/run)/);
    const branch = /branch +(\S+), pushed/.exec(stdout)?.[1] ?? '';
    expect(await task.fetched(branch, 'sum.txt')).toBe('2 + 2 = 4\n');
    const artifacts = place.path(task.name, '.keruta/doc', task.name);
    expect(readFileSync(join(artifacts, 'diff/changes.diff'), 'utf8')).toContain('+2 + 2 = 4');
    expect(JSON.parse(readFileSync(join(artifacts, 'result/result.json'), 'utf8'))).toMatchObject({
      ...{ success: true, isPushed: true },
      artifacts: expect.arrayContaining([
        expect.objectContaining({ uri: `file://${artifacts}/diff/changes.diff` }),
      ]),
    });
    expect(left()).toEqual([]);
    const all = bodies.join('\n');
    for (const secret of [token, spoken])
      expect([all.includes(secret), stdout.includes(secret)]).toEqual([false, false]);
    expect(secrets.at(-1)?.metadata.ownerReferences).toMatchObject([{ kind: 'Job' }]);
  }, 180_000);

  test('gives the result alone with --json, and its exit status', async () => {
    const task = await begin('echo nothing is mended; echo more > more.txt');
    const { status, stdout, stderr } = await task.start(['--json']).ended;
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ success: false, error: { kind: 'TestExecutionError' } });
    expect(stderr).toContain('nothing is mended');
    expect(left()).toEqual([]);
  }, 180_000);

  test('is ended by Ctrl-C: it keeps what there is, and nothing of it is left in the cluster', async () => {
    const task = await begin('');
    place.file(`${task.name}/agent.sh`, `#!/bin/sh\necho half > half.txt\n${waits(task.gate)}\n`, 0o755);
    const run = task.start();
    await atWork(run);
    const { status, stdout } = await run.stop('SIGINT');
    expect(status).toBe(130);
    expect(stdout).toContain('RunnerError: The task was stopped.');
    const diff = place.path(task.name, '.keruta/doc', task.name, 'diff/changes.diff');
    expect(readFileSync(diff, 'utf8')).toContain('+half');
    expect(left()).toEqual([]);
  }, 180_000);

  test('goes on when who started it is killed, and a second start takes it up', async () => {
    const task = await begin('');
    place.file(`${task.name}/agent.sh`, `#!/bin/sh\n${waits(task.gate)}\n`, 0o755);
    const state = ['--state', 'state'];
    const run = task.start(state);
    await atWork(run);
    await run.stop('SIGKILL');
    const pod = podName();
    const second = task.start(state);
    await until('it is followed from its beginning', () => second.stdout().includes('at work'), 60_000);
    expect(podName()).toBe(pod);
    writeFileSync(task.gate, '');
    const { status, stdout } = await second.ended;
    expect([status, stdout]).toEqual([0, expect.stringMatching(/branch +\S+, pushed/)]);
    expect(stdout.match(/==> prepare/g)).toHaveLength(1);
    expect(left()).toEqual([]);
  }, 180_000);

  test.each([
    [
      'somebody deletes its job',
      (pod: string) => api.controllers.deleteJob(pod.slice(0, -6)),
      /Somebody deleted/,
    ],
    [
      'the node evicts its pod',
      (pod: string) => api.controllers.evict(pod),
      /The cluster evicted .*low on resource/,
    ],
    ['somebody empties its node', (pod: string) => api.controllers.drain(pod), /The cluster evicted/],
    [
      'memory runs out',
      (pod: string) => api.controllers.takeMemory(pod),
      /memory ran out in a pod of the image .*is 500\./,
    ],
    [
      'it is killed inside',
      (pod: string) => api.controllers.crash(pod),
      /(was killed|ended with \d+) in the phase implement/,
    ],
  ])(
    'says so when %s, and how far the task was',
    async (_name, fate, message) => {
      const task = await begin('', { max_memory_mb: 500 });
      place.file(`${task.name}/agent.sh`, `#!/bin/sh\n${waits(task.gate)}\n`, 0o755);
      const run = task.start(['--json']);
      await atWork(run);
      await fate(podName());
      const { status, stdout } = await run.ended;
      const { error, phases } = JSON.parse(stdout);
      expect([status, error.message]).toEqual([1, expect.stringMatching(message)]);
      expect(phases[0]).toMatchObject({ phase: 'prepare', outcome: 'done' });
      expect(left()).toEqual([]);
    },
    180_000,
  );

  test('loses nothing when watch and log break off, and the cluster is away for a while', async () => {
    const many = 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i + 1)); done';
    const task = await begin('');
    place.file(`${task.name}/agent.sh`, `#!/bin/sh\n${waits(task.gate)}\n${many}\n`, 0o755);
    const run = task.start();
    await atWork(run);
    writeFileSync(task.gate, '');
    await until('it prints', () => run.stdout().includes('line 1\n'), 60_000);
    api.drop('log');
    api.expire();
    await api.goAway();
    await api.listen();
    const { status, stdout } = await run.ended;
    expect(status).toBe(0);
    expect(stdout.match(/^line \d+$/gm)).toEqual(Array.from({ length: 3000 }, (_, index) => `line ${index}`));
  }, 180_000);

  test('speaks for the task of a session that it is a part of', async () => {
    await place.server();
    const task = await begin('echo "2 + 2 = 4" > sum.txt', {
      test_command: 'grep 4 sum.txt && keruta progress 42 && keruta artifact add sum.txt',
    });
    const id = await place.session('app', { repositoryUrl: task.url });
    const env = {
      ...{ ...place.env, KUBECONFIG: place.path('kubeconfig') },
      GIT_SSL_CAINFO: remotes.at(-1)?.certificate ?? '',
    };
    await place.daemon(id, ['--runner-config', place.path(task.name, 'runner.yaml')], { env });
    const added = await place.keruta([
      ...['task', 'add', '-f', place.file('app.json', '{"title": "Mend"}'), '--session', id],
    ]);
    const ended = await place.whole(added.stdout.trim(), 120_000);
    expect(ended).toMatchObject({
      status: 'COMPLETED',
      message: expect.stringMatching(/^\S+ pushed, tests pass$/),
    });
    const paths = (await place.artifacts(ended.id)).map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['changes.diff', 'result.json', 'sum.txt', 'tests.log']));
    expect(await place.logs(ended.id)).toContain('==> implement');
    expect(left()).toEqual([]);
  }, 180_000);

  test.each([
    [
      'no node has room',
      { kind: 'unschedulable' },
      {},
      /no node took the pod .*Insufficient memory.*ask for less \(max_memory_mb/,
    ],
    [
      'the image cannot be had',
      { kind: 'waits', reason: 'ImagePullBackOff', message: 'Back-off pulling image "acme/x"' },
      {},
      /cannot get the image acme\/agent-runner:latest.*Back-off.*k8s_image/,
    ],
    [
      'the image has no shell',
      {
        kind: 'start-error',
        reason: 'StartError',
        message: 'exec: "sh": executable file not found in $PATH',
      },
      {},
      /the image acme\/agent-runner:latest has not all of sh, cat, git and keruta/,
    ],
    [
      'a Secret is not there',
      { kind: 'runs' },
      { k8s_secrets: ['nowhere'] },
      /there is no Secret nowhere, or it is empty/,
    ],
    [
      'a Secret is empty',
      { kind: 'runs' },
      { k8s_secrets: ['git-token', 'empty'] },
      /there is no Secret empty/,
    ],
    ['the cluster makes no pod', { kind: 'no-pod' }, {}, /made no pod for it; a quota or a policy/],
    [
      'the image has another keruta',
      { kind: 'runs-instead', script: 'echo unknown option; exit 2' },
      {},
      /the keruta of the image .* does not hand over what it does \(exit code 2\)/,
    ],
    [
      'the namespace is not ours',
      { kind: 'runs' },
      { k8s_namespace: 'theirs' },
      /KERUTA|cannot make the job/,
    ],
  ] as const)(
    'says so as a result when %s',
    async (_name, fate, config, message) => {
      const task = await begin('true', config);
      api.controllers.fate = fate;
      // what runs has all the time that it needs to start
      const env: Record<string, string> = fate.kind.startsWith('runs')
        ? {}
        : { KERUTA_KUBERNETES_START_TIMEOUT: '4s' };
      const { status, stdout } = await task.start(['--json'], { env }).ended;
      const { success, error } = JSON.parse(stdout);
      expect([status, success, error]).toEqual([
        ...[1, false],
        { kind: 'WorkspacePreparationError', message: expect.stringMatching(message), details: [] },
      ]);
      expect(left()).toEqual([]);
      api.complaints.splice(
        0,
        api.complaints.length,
        ...api.complaints.filter((one) => !one.includes('/theirs/')),
      );
    },
    180_000,
  );

  test.each([
    [
      'a slot of this machine',
      {},
      { slot_path: '/' },
      /\/ is a directory of this machine, which a pod does not have/,
    ],
    [
      'an agent that is too large to be brought',
      { coder: { agent: 'custom', command: process.execPath } },
      {},
      /is a file of \d+ bytes, and what is brought to a pod is a file of at most 1048576/,
    ],
  ])(
    'refuses %s, and makes nothing',
    async (_name, config, context, message) => {
      const task = await begin('true', config, context);
      const asked = api.requests.length;
      const { status, stdout } = await task.start(['--json']).ended;
      const { error } = JSON.parse(stdout);
      expect([status, error.message]).toEqual([1, expect.stringMatching(message)]);
      expect(api.requests.slice(asked).filter((line) => line.startsWith('POST'))).toEqual([]);
    },
    180_000,
  );
});
