import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readRunnerConfig } from '../../internal/runner/read-config.ts';
import { readRunnerTask } from '../../internal/runner/read-context.ts';
import { readRunnerFile } from '../../internal/runner/runner-file.ts';
import { makeServices, serviceTokens } from '../../internal/runner/services/make-services.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { makeHttp } from '../../pkg/http/http.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { readGuide } from '../docs/guide.ts';
import { git, makeRepository, temporaryDirectory } from '../fixtures/git.ts';

vi.setConfig({ testTimeout: 120_000 });

const example = resolve(import.meta.dirname, '../../examples/external-services');
const textOf = (name: string) => readFileSync(join(example, name), 'utf8');
const { signal } = new AbortController();

/** Starts the toys on a port of their own. @returns their address, and what they print */
async function startToys(directory: string, token: string) {
  let out = '';
  const child = spawn(process.execPath, [join(example, 'services.mjs'), '0', directory], {
    env: { PATH: process.env.PATH, SERVICES_TOKEN: token, GIT_CONFIG_NOSYSTEM: '1', HOME: directory },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      out += chunk;
    });
  await expect.poll(() => out, { timeout: 60_000 }).toMatch(/^listens on \S+$/m);
  return { url: /listens on (\S+)/.exec(out)?.[1] ?? '', out: () => out };
}

const config = (url: string) => {
  const file = textOf('runner.yaml').replaceAll('http://127.0.0.1:8001', url);
  return readRunnerConfig({
    ...readRunnerFile(file, { file: 'runner.yaml', code: 'KERUTA_ERR_CONFIG' }),
    env: {},
  });
};

function services(url: string, token: string) {
  const http = makeHttp({ userAgent: 'test/1' });
  onTestFinished(() => http.close());
  const parts = { http, clock: systemClock, random: systemRandom, log: silentLog, secretOf: () => token };
  return makeServices(config(url), parts);
}

test('the toys hand out a slot, keep what was made, and are told of the task', async () => {
  const directory = temporaryDirectory('toys');
  const toys = await startToys(directory, 'a-token');
  const { taskRegistry, repoPool, artifactStore } = services(toys.url, 'a-token');
  const remote = makeRepository({ 'a.txt': 'one\n' });
  const read = readRunnerFile(textOf('context.yaml').replace('/tmp/site.git', remote), {
    ...{ file: 'context.yaml', code: 'KERUTA_ERR_TASK_CONTEXT' },
  });
  const { id, repositoryUrl } = readRunnerTask(read);
  expect(repositoryUrl).toBe(remote);

  await taskRegistry?.updateStatus(id, 'PROCESSING');
  const wanted = { repositoryUrl: repositoryUrl ?? '', requiredBy: id, signal };
  const slot = await repoPool?.allocate(wanted);
  expect(git(slot?.path ?? '', 'show', 'HEAD:a.txt')).toBe('one');
  const file = join(directory, 'work.diff');
  writeFileSync(file, 'the difference');
  const uri =
    (await artifactStore?.upload({ taskId: id, type: 'diff', name: 'work.diff', file, signal })) ?? '';
  expect(readFileSync(fileURLToPath(uri), 'utf8')).toBe('the difference');
  await taskRegistry?.addArtifact(id, 'diff', uri);
  await taskRegistry?.addEvent(id, 'phase', { phase: 'test' });
  await repoPool?.release(slot?.id ?? '');
  expect(toys.out().split('\n').slice(1, -1)).toEqual([
    `task ${id} is PROCESSING`,
    `slot-1 goes to ${id}`,
    `keeps work.diff of task ${id}`,
    `task ${id} made diff ${uri}`,
    `task ${id} tells phase {"phase":"test"}`,
    'slot-1 comes back',
  ]);
  expect((await repoPool?.allocate(wanted))?.id).toBe('slot-1');
});

test('the runner does the task of the example with the toys, which know it by its own name', async () => {
  const directory = realpathSync(temporaryDirectory('toys'));
  const toys = await startToys(join(directory, 'services'), 'a-token');
  const remote = join(directory, 'site.git');
  git(directory, 'clone', '--quiet', '--bare', makeRepository({ 'a.txt': 'one\n' }), remote);
  writeFileSync(join(directory, 'context.yaml'), textOf('context.yaml').replace('/tmp/site.git', remote));
  const address = 'http://127.0.0.1:8001';
  writeFileSync(join(directory, 'runner.yaml'), textOf('runner.yaml').replaceAll(address, toys.url));
  const [command = ''] = readGuide('examples/external-services/README.md').commands;
  const main = resolve(import.meta.dirname, '../../cmd/keruta/main.ts');
  const tokens = Object.values(serviceTokens).map((name) => [name, 'a-token']);
  const ran = spawn(process.execPath, ['--no-warnings', main, ...command.split(' '), '--json'], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, ...Object.fromEntries(tokens) },
  });
  onTestFinished(() => void ran.kill('SIGKILL'));
  const [out = '', err = '', status] = await Promise.all([
    text(ran.stdout),
    text(ran.stderr),
    new Promise((done) => ran.once('exit', done)),
  ]);
  expect({ status, err: status === 0 ? '' : err }).toEqual({ status: 0, err: '' });
  const { branch, success, pushed } = JSON.parse(out) as Record<string, unknown>;
  expect({ success, pushed }).toEqual({ success: true, pushed: true });
  expect(git(remote, 'show', `${branch}:CONTACT.md`)).toBe('Call us at any time.');
  const told = toys.out();
  expect(told).toMatch(/^task 1\.1 is PROCESSING$/m);
  expect(told).toMatch(/^task 1\.1 tells phase_done \{"phase":"push"/m);
  expect(told).toMatch(/^task 1\.1 made diff file:\/\//m);
  expect(told).toMatch(/^slot-1 comes back$/m);
  expect(told).toMatch(/^task 1\.1 is COMPLETED$/m);
});

test('the toys want their token', async () => {
  const toys = await startToys(temporaryDirectory('toys'), 'a-token');
  const { taskRegistry } = services(toys.url, 'another');
  await expect(taskRegistry?.updateStatus('t', 'FAILED')).rejects.toThrow(
    'it answered 401: a token is needed',
  );
});

test('the toy agent does what the tests of the example want', () => {
  const { coder, tests } = config('http://127.0.0.1:8001');
  expect(coder).toMatchObject({ kind: 'command', name: 'sh' });
  const slot = join(temporaryDirectory('toys'), 'slot');
  mkdirSync(slot);
  const run = (args: readonly string[]) => spawnSync('sh', args, { cwd: slot, input: 'a prompt' }).status;
  const check = ['-c', tests.command ?? ''];
  expect(run(check)).not.toBe(0);
  const { args } = coder?.kind === 'command' ? coder.template : { args: [] };
  expect(run(args.flat())).toBe(0);
  expect(run(check)).toBe(0);
});
