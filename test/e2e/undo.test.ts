import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { git, makeRepository, temporaryDirectory } from '../fixtures/git.ts';
import { makePlace, until } from './place.ts';

/** Undoing tasks with the built program, on the machine where they ran. */
const place = makePlace('undo');

beforeAll(async () => {
  await place.server();
});
afterAll(() => place.close());

test('a script’s changes are undone in the agent’s checkout, not while one runs there, and twice is once', async () => {
  const remote = makeRepository({ 'a.txt': 'one\n' });
  const session = await place.session('scripts', { repositoryUrl: remote });
  const base = place.path('base');
  const env = { ...place.env, KERUTA_BASE_DIR: base };
  const daemon = await place.daemon(session, ['--allow-local-git'], { env });
  const say = (words: readonly string[]) => place.keruta(['undo', ...words], { env });
  const first = await place.submit(session, 'true');
  expect((await place.ended(first, 60_000)).status).toBe('COMPLETED');
  const script =
    'pwd; echo two > a.txt; git -c user.name=t -c user.email=t@t.example commit -qam two; touch new';
  const id = await place.submit(session, script);
  expect((await place.whole(id, 60_000)).status).toBe('COMPLETED');
  const directory = (await place.logs(id, 'stdout')).trim();
  const gate = place.path('gate');
  const running = await place.submit(session, `echo here; while [ ! -e ${gate} ]; do sleep 0.05; done`);
  await until('it runs', async () => (await place.logs(running)).includes('here'), 60_000);
  const refused = await say([id, '--yes']);
  expect(refused).toMatchObject({ status: 5, stderr: expect.stringContaining(running) });
  writeFileSync(gate, '');
  await place.whole(running, 60_000);
  await until('its run is put away', () => existsSync(join(base, 'runs', `${running}.1`, 'receipt.json')));
  // the commit and the file went when the next task came; they are what it found
  const done = JSON.parse((await say([running, '--yes', '--json'])).stdout);
  expect(done).toMatchObject({ undone: true, directory, branch: 'refs/heads/main' });
  expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('two\n');
  expect(existsSync(join(directory, 'new'))).toBe(true);
  const undone = await say([id.slice(0, 8), '--yes']);
  expect(undone).toMatchObject({ status: 0, stdout: expect.stringContaining('is as it was before task') });
  expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('one\n');
  expect(git(directory, 'status', '--porcelain')).toBe('');
  expect(await say([id, '--yes'])).toMatchObject({ status: 0, stdout: expect.stringContaining('already') });
  // the agent goes on as if nothing had been
  const after = await place.submit(session, 'cat a.txt');
  await place.whole(after, 60_000);
  expect(await place.logs(after, 'stdout')).toBe('one\n');
  await daemon.stop();
});

test('an agent task is undone on this machine: its commit is set aside, its pushed branch stays and is named', async () => {
  const remote = join(temporaryDirectory('remote'), 'app.git');
  git('/', 'clone', '--quiet', '--bare', makeRepository({ 'a.txt': 'one\n' }), remote);
  const agent = place.file('agent', '#!/bin/sh\ncat > /dev/null\necho two > a.txt\n', 0o755);
  const config = place.file('runner.yaml', JSON.stringify({ coder: { agent: 'custom', command: agent } }));
  const context = place.file(
    'context.json',
    JSON.stringify({ title: 'Two', task_id: '7.1', repository_url: remote }),
  );
  const env = { ...place.env, KERUTA_ALLOW_LOCAL_GIT: 'true', KERUTA_BASE_DIR: place.path('alone') };
  const ran = await place.keruta(['runner', 'run', '-f', context, '--config', config, '--json'], { env });
  const { branch, commit } = JSON.parse(ran.stdout);
  expect(ran.status).toBe(0);
  const id = /Keruta-Task: (\S+)/.exec(git(remote, 'log', '-1', '--format=%B', branch))?.[1] ?? '';
  const dry = await place.keruta(['undo', id, '--dry-run'], { env });
  expect(dry.stdout).toContain(`its commit ${commit.slice(0, 10)} is set aside: Two`);
  const undone = await place.keruta(['undo', id, '--yes'], { env });
  expect(undone.status).toBe(0);
  expect(undone.stdout).toContain(`git push ${remote} --delete ${branch}`);
  const [, mirror = '', ref = ''] = /git --git-dir=(\S+) show (\S+)\n/.exec(undone.stdout) ?? [];
  expect(git(mirror, '--git-dir=.', 'rev-parse', ref)).toBe(commit);
  expect(git(remote, 'rev-parse', branch)).toBe(commit);
  expect(await place.keruta(['undo', id, '--yes'], { env })).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('nothing is left'),
  });
});
