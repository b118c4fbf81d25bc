import { execFileSync, spawn } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { git, temporaryDirectory } from '../fixtures/git.ts';

vi.setConfig({ testTimeout: 120_000 });

const example = resolve(import.meta.dirname, '../../examples/llm-endpoint');
const main = resolve(import.meta.dirname, '../../cmd/keruta/main.ts');
const key = 'sk-of-the-example-1234';

/** Starts the toy on a port of its own. @returns its address, and what it prints */
async function startToy() {
  let out = '';
  const env = { PATH: process.env.PATH, ENDPOINT_KEY: key };
  const child = spawn(process.execPath, [join(example, 'endpoint.mjs'), '0'], { env });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  await expect.poll(() => out, { timeout: 60_000 }).toMatch(/^listens on \S+$/m);
  return { url: /listens on (\S+)/.exec(out)?.[1] ?? '', out: () => out };
}

/** Runs what the guide says, at places of their own. */
async function run(variables: Readonly<Record<string, string>>) {
  const directory = temporaryDirectory('llm-endpoint');
  const toy = await startToy();
  const own = join(directory, 'example');
  cpSync(example, own, { recursive: true });
  const place = join(directory, 'greeting');
  const at = (words: string) =>
    words.replaceAll('/tmp/greeting', place).replaceAll('http://127.0.0.1:8010/v1', toy.url);
  for (const name of ['context.yaml', 'runner.yaml', 'README.md'])
    writeFileSync(join(own, name), at(readFileSync(join(own, name), 'utf8')));
  const guide = readFileSync(join(own, 'README.md'), 'utf8');
  const env = { PATH: process.env.PATH, HOME: directory };
  execFileSync('bash', ['-ec', /```sh\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''], { cwd: own, env });
  const words = (/\$ keruta (.*)/.exec(guide)?.[1] ?? '').split(' ');
  const child = spawn(process.execPath, [main, ...words, '--json'], {
    cwd: own,
    env: { ...env, KERUTA_BASE_DIR: join(directory, 'base'), ...variables },
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { place, toy, stdout, stderr };
}

test('the example has a model make the test of its repository pass on a branch', async () => {
  const { place, toy, stdout, stderr } = await run({ OPENAI_API_KEY: key });
  const result = JSON.parse(stdout) as { branch: string; [name: string]: unknown };
  // 900 tokens at 2 dollars a million and 40 at 8, four times
  expect([result, stderr]).toMatchObject([
    {
      ...{ success: true, pushed: true, llm_model: 'toy-1', tokens_used: 3760 },
      usage: { calls: 4, cost_usd: '0.00848' },
      tests: { command: 'sh test.sh', passed: true },
    },
    expect.stringContaining('patch_file greet.sh'),
  ]);
  expect(git(`${place}.git`, 'show', `${result.branch}:greet.sh`)).toBe('echo "Hello, $1!"');
  expect(toy.out().trim().split('\n').slice(1)).toEqual(
    ['read_file', 'patch_file', 'run_command', 'finish'].map((name, at) => `answer ${at + 1}: ${name}`),
  );
});

test('a key that the endpoint does not take ends the task, and says so', async () => {
  const { stdout } = await run({ OPENAI_API_KEY: 'sk-another-key-5678' });
  expect(JSON.parse(stdout)).toMatchObject({
    success: false,
    error: { kind: 'ImplementationError', message: expect.stringContaining('401: this key is not taken') },
  });
});
