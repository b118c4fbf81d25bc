import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test, vi } from 'vitest';
import { git, temporaryDirectory } from '../fixtures/git.ts';

vi.setConfig({ testTimeout: 120_000 });

const example = resolve(import.meta.dirname, '../../examples/agent-task');
const main = resolve(import.meta.dirname, '../../cmd/keruta/main.ts');

test('the example makes the test of its repository pass on a branch', () => {
  const directory = temporaryDirectory('agent-task');
  const own = join(directory, 'example');
  cpSync(example, own, { recursive: true });
  const place = join(directory, 'greeting');
  // what its guide says, at another place
  const guide = readFileSync(join(example, 'README.md'), 'utf8').replaceAll('/tmp/greeting', place);
  const script = /```sh\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
  execFileSync('bash', ['-ec', script], { cwd: own, env: { PATH: process.env.PATH, HOME: directory } });
  const file = join(own, 'context.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('/tmp/greeting', place));
  const words = (/\$ keruta (.*)/.exec(guide)?.[1] ?? '').split(' ');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words, '--json'], {
    cwd: own,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: directory, KERUTA_BASE_DIR: join(directory, 'base') },
  });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const result = JSON.parse(stdout) as { branch: string; [key: string]: unknown };
  expect(result).toMatchObject({
    ...{ success: true, pushed: true, llm_model: 'toy', tokens_used: 150 },
    tests: { command: 'sh test.sh', passed: true },
  });
  expect(git(`${place}.git`, 'show', `${result.branch}:greet.sh`)).toBe('echo "Hello, $1!"');
});
