import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commit, git, makeRepository, temporaryDirectory } from '../fixtures/git.ts';
import { makePlace } from './place.ts';

/** Replaying tasks with the built program, beside a real server and agent. */
const place = makePlace('replay');

beforeAll(async () => {
  await place.server();
});
afterAll(() => place.close());

test('a script is run again at its commit with its variables, and its session is told nothing', async () => {
  const remote = makeRepository({ 'a.txt': 'one\n' });
  const first = git(remote, 'rev-parse', 'HEAD');
  const session = await place.session('scripts', { repositoryUrl: remote });
  const env = { ...place.env, KERUTA_BASE_DIR: place.path('base') };
  await place.daemon(session, ['--allow-local-git'], { env: { ...env, DEPLOY_TOKEN: 'of-the-agent' } });
  const script = 'cat a.txt; echo "$DEPLOY_TOKEN"; keruta progress 10 --message half; keruta success; exit 4';
  const id = await place.submit(session, script);
  await place.whole(id, 60_000);
  commit(remote, { 'a.txt': 'two\n' }, 'second');
  const before = await place.task(id);
  const wish = {
    env: { ...env, KERUTA_ALLOW_LOCAL_GIT: 'true', DEPLOY_TOKEN: 'of-mine', TMPDIR: place.path('tmp') },
  };
  place.file('tmp/.keep', '');
  const done = await place.keruta(['replay', id.slice(0, 8)], wish);
  expect(done).toMatchObject({ status: 4, stdout: 'one\nof-mine\n' });
  expect(done.stderr).toContain(`at ${first.slice(0, 10)}`);
  expect(readdirSync(place.path('tmp'))).toEqual(['.keep']);
  expect(await place.task(id)).toEqual(before);
});

test('an agent task is done anew on a branch of its own, which is not pushed', async () => {
  const remote = join(temporaryDirectory('remote'), 'app.git');
  git('/', 'clone', '--quiet', '--bare', makeRepository({ 'a.txt': 'one\n' }), remote);
  const agent = place.file('agent', '#!/bin/sh\ncat > /dev/null\necho two > a.txt\n', 0o755);
  const config = place.file('runner.yaml', JSON.stringify({ coder: { agent: 'custom', command: agent } }));
  const session = await place.session('agents', { repositoryUrl: remote });
  const env = { ...place.env, KERUTA_BASE_DIR: place.path('agents'), KERUTA_ALLOW_LOCAL_GIT: 'true' };
  await place.daemon(session, ['--allow-local-git', '--runner-config', config], { env });
  const file = place.file('context.json', JSON.stringify({ title: 'Two' }));
  const added = await place.keruta(['task', 'add', '-f', file, '--session', session]);
  const id = added.stdout.trim();
  expect((await place.whole(id, 90_000)).status).toBe('COMPLETED');
  const branches = git(remote, 'branch', '--list');
  const before = await place.task(id);
  const at = place.path('again');
  const words = ['replay', id, '--runner-config', config, '--at', at, '--json'];
  const done = await place.keruta(words, { env });
  expect(done.status).toBe(0);
  expect(JSON.parse(done.stdout)).toMatchObject({ success: true, pushed: false });
  expect(git(at, 'log', '-1', '--format=%s')).toBe('Two');
  const made = readdirSync(join(at, '.keruta/doc'), { recursive: true }).map(String);
  expect(made.filter((path) => path.endsWith('result.json'))).toHaveLength(1);
  expect(git(remote, 'branch', '--list')).toBe(branches);
  expect(await place.task(id)).toEqual(before);
  const missing = await place.keruta(['replay', 'ffffffff'], { env });
  expect(missing.status).toBe(125);
});
