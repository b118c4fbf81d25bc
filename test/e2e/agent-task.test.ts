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
  'check.js':
    "const adds = require('./sum.js')(2, 2) === 4;\n" +
    'const suite = adds ? \'<testsuite tests="1" failures="0"><testcase name="adds"/></testsuite>\'' +
    ' : \'<testsuite tests="1" failures="1"><testcase name="adds"><failure/></testcase></testsuite>\';\n' +
    "require('node:fs').writeFileSync('report.xml', suite);\n" +
    "if (!adds) { console.log('2 + 2 is wrong'); process.exit(1); }\n",
  '.gitignore': 'report.xml\n',
};
const mended = 'module.exports = (a, b) => a + b;\n';
const context = (more: object = {}) =>
  JSON.stringify({ title: 'Mend the sum', acceptance_criteria: ['2 + 2 is 4'], publish: 'branch', ...more });

beforeAll(async () => {
  server = await place.server();
});
afterAll(() => place.close());

/** A bare repository, a session with it, and an agent whose runners work by this configuration. */
async function begin(name: string, runner: object, env: Readonly<Record<string, string>> = {}) {
  const remote = join(temporaryDirectory('remote'), 'app.git');
  git('/', 'clone', '--quiet', '--bare', makeRepository(files), remote);
  const session = await place.session(name, { repositoryUrl: remote });
  const config = place.file(`${name}.yaml`, JSON.stringify(runner));
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
async function expectDone(
  id: string,
  remote: string,
  { cost, tests }: { readonly cost: string; readonly tests: RegExp },
): Promise<void> {
  const task = await place.whole(id, 90_000);
  expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0, attempt: 1, kind: 'agent' });
  const branch = /^(\S+) pushed, tests pass$/.exec(task.message)?.[1] ?? '';
  expect(`${git(remote, 'show', `${branch}:sum.js`)}\n`).toBe(mended);
  expect(git(remote, 'log', '-1', '--format=%B', branch)).toContain(`Keruta-Task: ${id}`);
  expect(git(remote, 'rev-list', '--count', `main..${branch}`)).toBe('1');
  const paths = (await place.artifacts(id)).map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['changes.diff', 'result.json', 'tests.log']));
  expect(paths.filter((path) => path.startsWith('transcript-'))).toEqual([
    expect.stringMatching(/^transcript-1\./),
  ]);
  const diff = await place.keruta(['task', 'diff', id]);
  expect(diff.stdout).toContain('+module.exports = (a, b) => a + b;');
  const { stdout: shown } = await place.keruta(['task', 'show', id]);
  expect(shown).toMatch(/phases +prepare, implement, test, commit, push, report$/m);
  expect(shown).toMatch(new RegExp(`branch +${branch}, pushed$`, 'm'));
  const commit = git(remote, 'rev-parse', branch).slice(0, 12);
  expect(shown).toMatch(new RegExp(`commit +${commit}, 1 file, \\+1 -1$`, 'm'));
  expect(shown).toMatch(tests);
  expect(shown).toMatch(new RegExp(`cost +\\$${cost.replace('.', '\\.')}(?!\\d)`));
}

const phases = ['prepare', 'implement', 'test', 'commit', 'push', 'report'] as const;
type Phase = (typeof phases)[number];
const makers = ['a program', 'a model'] as const;

/** A word by which git is known that runs in a phase and in no other. */
const gitWords: Readonly<Partial<Record<Phase, string>>> = {
  ...{ prepare: 'ls-remote', commit: 'commit', report: '--binary' },
};

/** Where something waits until it is let go, and is seen to wait. */
interface Gate {
  readonly at: string;
  readonly open: string;
  /** for a shell */
  readonly wait: string;
  /** a program that does nothing else */
  readonly script: string;
}

function makeGate(name: string): Gate {
  const [at, open] = [place.path(`${name}.at`), place.path(`${name}.open`)];
  const wait = `touch ${at}; while [ ! -e ${open} ]; do sleep 0.05; done`;
  return { at, open, wait, script: `#!/bin/sh\n${wait}\n` };
}

/** A PATH whose git waits at the gate when a word is among its arguments. */
function gitThatWaits(name: string, gate: Gate, word: string | undefined): string {
  const own = `#!/bin/sh\ncase " $* " in *" ${word} "*) ${gate.wait};; esac\nexec /usr/bin/git "$@"\n`;
  if (word !== undefined) place.file(`git-${name}/git`, own, 0o755);
  return `${place.path(`git-${name}`)}:${place.env.PATH}`;
}

/** A coding agent of a test. */
interface Maker {
  readonly definition: object;
  /** of all that it does; dollars */
  readonly cost: string;
  /** how often it was begun */
  readonly rounds: () => number;
  readonly close: () => Promise<void>;
}

function byProgram(name: string, gate: Gate, phase: Phase): Maker {
  const begun = place.path(`${name}.begun`);
  const command = place.file(
    `agent-${name}`,
    `#!/bin/sh
cat > /dev/null
echo begun >> ${begun}
${phase === 'implement' ? gate.wait : ':'}
echo 'module.exports = (a, b) => a + b;' > sum.js
echo '{"usage": {"model": "toy", "tokens_in": 100, "tokens_out": 20, "cost_usd": 0.03}, "summary": "It adds now."}'
`,
    0o755,
  );
  const rounds = () => readFileSync(begun, 'utf8').split('begun').length - 1;
  return { definition: { agent: 'custom', command }, cost: '0.03', rounds, close: async () => {} };
}

async function byModel(gate: Gate, phase: Phase): Promise<Maker> {
  const model = await startFakeServer();
  const first = calls('write_file', { path: 'sum.js', content: mended });
  model.route(
    ...['POST' as const, chatPath],
    async () => {
      if (phase !== 'implement') return first;
      writeFileSync(gate.at, '');
      await until('the gate is open', () => existsSync(gate.open), 120_000);
      return first;
    },
    done('It adds now.'),
  );
  return {
    definition: endpointOf(model),
    cost: '0.024',
    // each round has two questions
    rounds: () => model.requests.length / 2,
    close: () => model.close(),
  };
}

const endpointOf = (model: { readonly url: string }) => ({
  ...{ agent: 'endpoint', endpoint: `${model.url}/v1`, model: 'gpt-4' },
  prices: { 'gpt-4': { in: 100, out: 200 } },
});

describe.concurrent('an agent task', () => {
  test.each(phases.flatMap((phase) => makers.map((maker) => [phase, maker] as const)))(
    'comes to the same when keruta’s agent is killed in the phase %s, done by %s',
    async (phase, maker) => {
      const name = `${phase} ${maker}`.replaceAll(' ', '-');
      const gate = makeGate(name);
      const coder = maker === 'a program' ? byProgram(name, gate, phase) : await byModel(gate, phase);
      const tests = {
        test_command: phase === 'test' ? `${gate.wait}; node check.js` : 'node check.js',
        test_report: 'report.xml',
      };
      const path = gitThatWaits(name, gate, gitWords[phase]);
      const { remote, session, args, options, daemon } = await begin(
        name,
        { coder: coder.definition, ...tests },
        { PATH: path, OPENAI_API_KEY: secret },
      );
      if (phase === 'push') writeFileSync(join(remote, 'hooks/post-receive'), gate.script, { mode: 0o755 });
      const id = await add(session, place.file(`${name}.json`, context()));
      await until('it waits in the phase', () => existsSync(gate.at), 90_000);
      const begun = async () => [...(await place.logs(id)).matchAll(/^==> (\w+)$/gm)].at(-1)?.[1];
      await until('the server knows of it', async () => (await begun()) === phase, 60_000);
      await daemon.stop('SIGKILL');
      writeFileSync(gate.open, '');
      await place.daemon(session, args, options);
      await expectDone(id, remote, { cost: coder.cost, tests: /node check\.js: passed, 0 of 1 failed/ });
      expect((await place.artifacts(id)).map(({ path: one }) => one)).toContain('test-report.xml');
      expect(coder.rounds()).toBe(1);
      await coder.close();
    },
    180_000,
  );

  test('is done by a model behind an endpoint, whose key nobody sees', async () => {
    const model = await startFakeServer();
    model.route(
      'POST',
      chatPath,
      calls('write_file', { path: 'sum.js', content: mended }),
      calls('run_command', { command: 'env; echo done' }),
      done('It adds now.'),
    );
    const key = place.file('key-of-the-model', `${secret}\n`, 0o600);
    const { remote, session } = await begin(
      'model',
      { coder: endpointOf(model) },
      { OPENAI_API_KEY_FILE: key },
    );
    const id = await add(session, place.file('model.json', context()));
    await expectDone(id, remote, { cost: '0.036', tests: /npm test: passed$/m });
    const keys = model.requests.map(({ headers }) => headers.authorization);
    expect(new Set(keys)).toEqual(new Set([`Bearer ${secret}`]));
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
    // what follows from an end is there once that is final
    const isOver = ({ status, logComplete }: TaskWire) => hasEnded(status) && logComplete;
    await until('all have ended', async () => (await all()).every(isOver), 120_000);
    return (await all()).sort((a, b) => a.fixCount - b.fixCount);
  }

  test('begets a task for it, with the failure in its prompt, which mends the repository on a branch', async () => {
    const prompt = place.path('prompt.md');
    const command = place.file(
      'mender',
      `#!/bin/sh\ncat > ${prompt}\necho 'module.exports = (a, b) => a + b;' > sum.js\n`,
      0o755,
    );
    const { remote, session } = await begin('mending', { coder: { agent: 'custom', command } });
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
    const { session } = await begin('idling', { coder: { agent: 'custom', command } });
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
