import { cpSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeRepository } from '../fixtures/git.ts';
import { makePlace, until } from './place.ts';

const place = makePlace('skills');
afterAll(() => place.close());
const example = resolve(import.meta.dirname, '../../examples/focus-and-skills');

test('a task of a workflow with a focus hands its skills to a prompt, as the example says', async () => {
  const repository = place.path('shop');
  cpSync(example, repository, { recursive: true });
  const commit =
    'git init -q -b main . && git add -A && git -c user.name=n -c user.email=e@e commit -qm shop';
  expect(await place.bash(commit, { cwd: repository })).toMatchObject({ status: 0 });
  const workflow = readFileSync(join(repository, '.keruta/workflows/stock-check.yaml'), 'utf8');
  place.file('stock.yaml', `${workflow}repository: { url: "file://${repository}" }\n`);
  place.env = { ...place.env, KERUTA_ALLOW_LOCAL_GIT: 'true' };
  const base = ['--base-dir', place.path('base')];
  const up = place.start(place.executable, ['up', '--port', '0', '--agent-port', '0', ...base], {
    timeoutMs: 170_000,
  });
  await until('the agent is ready', () => /the agent is ready/.test(up.stderr()));
  const keruta = (...words: string[]) => place.start(place.executable, [...words, ...base]).ended;
  expect(await keruta('apply', '-f', 'stock.yaml')).toMatchObject({ status: 0 });
  const id = (await keruta('trigger', 'fire', 'stock-check')).stdout.trim();
  const task = async () => JSON.parse((await keruta('task', 'show', id, '--json')).stdout);
  await until('the task is done', async () => (await task()).finishedAt !== null, 60_000);
  expect(await task()).toMatchObject({ status: 'COMPLETED' });
  await until('its log is whole', async () => (await task()).logComplete === true, 30_000);
  const told = /```text\n([\s\S]*?)```/.exec(readFileSync(join(example, 'README.md'), 'utf8'))?.[1];
  expect((await keruta('task', 'logs', id)).stdout).toBe(told);
  expect(await up.stop()).toMatchObject({ status: 0 });
});

test('a coding agent gets the skills of its task’s focus and required skill, and no others', async () => {
  const skill = (name: string) => ({
    [`.keruta/skills/${name}/SKILL.md`]: `---\nname: ${name}\ndescription: How ${name} is done.\nfocus: ${name}\n---\nWords of ${name}.\n`,
  });
  const repositoryUrl = makeRepository({
    'a.txt': 'one\n',
    ...skill('css'),
    ...skill('sql'),
    ...skill('mail'),
  });
  const prompt = place.path('prompt.md');
  const command = place.file('agent', `#!/bin/sh\ncat > ${prompt}\necho two > a.txt\n`, 0o755);
  const config = place.file(
    'runner.json',
    JSON.stringify({ coder: { agent: 'custom', command }, test_command: '' }),
  );
  const context = { title: 'Two', repository_url: repositoryUrl, publish: 'none' };
  const wish = { ...context, focus: ['css'], required_skill: 'sql' };
  const file = place.file('context.json', JSON.stringify(wish));
  const words = ['runner', 'run', '--file', file, '--config', config, '--allow-local-git'];
  const { status, stdout } = await place.keruta(words, { timeoutMs: 100_000 });
  expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('done in') });
  const told = readFileSync(prompt, 'utf8');
  const texts = ['Words of css.', 'Words of sql.', 'Words of mail.'];
  expect(texts.map((one) => told.includes(one))).toEqual([true, true, false]);
  expect(told).not.toContain('How mail is done.');
}, 120_000);
