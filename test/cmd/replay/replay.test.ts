import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunRecord } from '../../../internal/worker/run-record.ts';
import { writeJsonFile } from '../../../pkg/files/json-file.ts';
import { commit, git, makeRepository } from '../../fixtures/git.ts';
import { recordOf } from '../../internal/worker/records.ts';
import { type CliOptions, cli, temporaryDirectory } from '../harness.ts';

const taskId = '8f3a1c2e-1111-4111-8111-111111111111';

interface Wish {
  readonly script: string;
  readonly variables?: readonly string[];
  readonly task?: Partial<RunRecord['task']>;
  readonly repository?: string;
  readonly commit?: string | null;
}

/** A home in which an agent that is gone has left the run of a task; no server is there. */
function desk({ script, variables = [], task = {}, repository, commit: at = null }: Wish) {
  const home = temporaryDirectory();
  const temporary = join(home, 'tmp');
  const run = join(home, '.keruta', 'runs', `${taskId}.1`);
  for (const made of [temporary, run]) mkdirSync(made, { recursive: true });
  const record = recordOf(taskId);
  writeJsonFile(join(run, 'task.json'), {
    ...record,
    task: { ...record.task, script, attempt: 1, ...task },
    session: { ...record.session, repositoryUrl: repository ?? null },
    started: { at: 1, workingDirectory: home, artifactsDirectories: [], secrets: [], commit: at, variables },
  });
  const env = {
    PATH: process.env.PATH ?? '',
    ...{ KERUTA_API_URL: 'http://127.0.0.1:1', KERUTA_API_TOKEN: 'a-token-of-the-person' },
    ...{ KERUTA_ALLOW_LOCAL_GIT: 'true', TMPDIR: temporary },
  };
  const replay = (words: readonly string[] = [], options: CliOptions = {}) =>
    cli(['replay', '8f3a', ...words], { home, ...options, env: { ...env, ...options.env } });
  return { home, replay };
}

describe('keruta replay', () => {
  test('runs the script again at its commit, with its parameters, and ends with its status', async () => {
    const repository = makeRepository({ 'a.txt': 'one\n' });
    const first = git(repository, 'rev-parse', 'HEAD');
    commit(repository, { 'a.txt': 'two\n' }, 'second');
    const script = 'cat a.txt; echo "$KERUTA_PARAM_MONTH"; echo aside >&2; keruta progress 50; exit 3';
    const task = { parameters: { month: 'May' } };
    const { replay } = desk({ script, repository, commit: first, task });
    const done = await replay();
    expect(done.err).toContain(`at ${first.slice(0, 10)}`);
    expect(done.out).toBe('one\nMay\n');
    expect(done.err).toContain('aside\n');
    expect(done.status).toBe(3);
  });

  test('leaves the clone where it is wished, and nothing else; such a place must be empty', async () => {
    const repository = makeRepository({ 'a.txt': 'one\n' });
    const { home, replay } = desk({ script: 'pwd; echo more > made', repository });
    const at = join(home, 'again');
    const done = await replay(['--at', 'again', '--json'], { cwd: home });
    expect(JSON.parse(done.out)).toMatchObject({
      ...{ taskId, status: 0, exitCode: 0, directory: at },
      unknown: [expect.stringContaining('at which commit it ran')],
    });
    expect(readFileSync(join(at, 'made'), 'utf8')).toBe('more\n');
    const again = await replay(['--at', 'again'], { cwd: home });
    expect(again).toMatchObject({ status: 125, err: expect.stringContaining('new or empty') });
  });

  test('gives it the variables that it had as far as they are set, and asks for secrets, which nobody sees', async () => {
    const script = 'echo "[$GREETING] [$DEPLOY_KEY] [$OTHER] [$MINE] [$KERUTA_API_TOKEN]"';
    const { replay } = desk({ script, variables: ['GREETING', 'DEPLOY_KEY', 'OTHER', '_', 'PWD'] });
    const env = { GREETING: 'hello', MINE: 'mine' };
    const done = await replay([], { env, stdinIsTerminal: true, stdin: 'k-7f3a9\n' });
    expect(done.out).toBe('[hello] [k-7f3a9] [] [] []\n');
    expect(done.err).toContain('DEPLOY_KEY of the task');
    expect(done.err).toContain('the values of OTHER: they');
    expect(done.err).not.toContain('k-7f3a9');
    const named = await replay(['--env', 'MINE', '--env', 'DEPLOY_KEY=other'], { env });
    expect(named.out).toBe('[hello] [other] [] [mine] []\n');
    expect(await replay(['--env', 'NOT_SET'])).toMatchObject({
      status: 125,
      err: expect.stringContaining('NOT_SET'),
    });
    expect(await replay(['--env', 'KERUTA_API_URL=x'])).toMatchObject({ status: 125 });
  });

  test('Ctrl-C ends the script and all that it started, and leaves nothing behind', async () => {
    const { home, replay } = desk({ script: 'sleep 300 & echo $! > ../../pid; echo up; wait' });
    let stop: (name: 'SIGINT' | 'SIGTERM') => void = () => {};
    const done = await replay([], {
      onReady: (given) => {
        stop = given;
      },
      onOutput: () => stop('SIGINT'),
    });
    expect(done).toMatchObject({ status: 130, out: 'up\n' });
    expect(readdirSync(join(home, 'tmp'))).toEqual([]);
  });

  test('ends a script at its time limit, with the status of the signal', async () => {
    const { replay } = desk({ script: 'sleep 300', task: { timeoutSeconds: 1 } });
    expect((await replay()).status).toBe(137);
  });

  test('says which tasks it does not know', async () => {
    const { home } = desk({ script: 'true' });
    const env = { PATH: process.env.PATH ?? '', KERUTA_API_URL: 'http://127.0.0.1:1', KERUTA_API_TOKEN: 'x' };
    const done = await cli(['replay', '7777'], { home, env });
    expect(done.status).toBe(125);
    expect(done.err).toContain('127.0.0.1:1');
  });
});

test('hidden questions are read one after the other from one stream', async () => {
  const { hiddenLines } = await import('../../../cmd/keruta/hidden-lines.ts');
  const asked: string[] = [];
  const context = {
    stderr: { write: async (text: string) => void asked.push(text), isTerminal: true, columns: 80 },
    stdinIsTerminal: true,
    signal: new AbortController().signal,
    hideInput: () => {
      asked.push('(hidden)');
      return { giveBack: () => void asked.push('(shown)'), interrupt: () => void asked.push('(stop)') };
    },
    stdin: (async function* () {
      yield Buffer.from('on');
      yield Buffer.from([101, 120, 127, 13]);
      yield Buffer.from('two\rthr');
    })(),
  };
  const ask = hiddenLines(context as never);
  expect([await ask('1? '), await ask('2? '), await ask('3? '), await ask('4? ')]).toEqual([
    'one',
    'two',
    'thr',
    null,
  ]);
  expect(asked.join('')).toBe(
    ['1? ', '2? ', '3? ', '4? '].map((text) => `(hidden)${text}(shown)\n`).join(''),
  );
});
