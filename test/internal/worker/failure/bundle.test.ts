import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failureBundle } from '../../../../internal/worker/failure/bundle.ts';
import { createGit } from '../../../../pkg/git/git.ts';
import { git, makeRepository, temporaryDirectory, write } from '../../../fixtures/git.ts';

const parts = {
  git: createGit({
    environment: process.env,
    credentials: 'none',
    allowLocal: false,
    privateDirectory: temporaryDirectory('private'),
  }),
};

const run = (workingDirectory: string) => ({
  exitCode: 127,
  signal: null,
  reason: null,
  stdoutTail: 'one\ntwo\n',
  stderrTail: '/runs/x/script: line 2: foo: command not found\n',
  workingDirectory,
  script: '#!/usr/bin/env bash\nfoo --all\n',
});

test('a failure in a repository tells command, end, output, changes and machine', async () => {
  const repository = makeRepository({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
  write(repository, { 'a.txt': 'changed\n', 'new.txt': 'n\n' });
  const bundle = await failureBundle(parts, run(repository));
  expect(bundle).toMatchObject({
    exitCode: 127,
    meaning: 'command not found',
    failing: { line: 2, command: 'foo --all', message: 'foo: command not found' },
    interpreter: '/usr/bin/env bash',
    stdoutTail: ['one', 'two'],
    git: { branch: 'refs/heads/main', commit: git(repository, 'rev-parse', 'HEAD') },
  });
  expect(bundle.git?.changes).toEqual(['a.txt', 'new.txt']);
  expect(bundle.git?.diffStat.join('\n')).toContain('1 file changed');
  expect(bundle.machine.diskFreeBytes).toBeGreaterThan(0);
  expect(JSON.parse(JSON.stringify(bundle))).toEqual(bundle);
});

test('a look at a poisoned work tree runs nothing and changes nothing in it', async () => {
  const repository = makeRepository({ 'a.txt': 'a\n', '.gitattributes': '* filter=evil diff=evil\n' });
  const leak = join(temporaryDirectory('leak'), 'leak');
  for (const name of ['core.fsmonitor', 'filter.evil.clean', 'filter.evil.smudge', 'diff.evil.textconv'])
    git(repository, 'config', name, `sh -c 'touch ${leak}; cat'`);
  git(repository, 'config', 'diff.external', `touch ${leak}`);
  write(repository, { 'a.txt': 'other\n' });
  git(repository, 'pack-refs', '--all');
  const bundle = await failureBundle(parts, run(repository));
  expect(bundle.git?.changes).toEqual(['a.txt']);
  expect(bundle.git?.diffStat.join()).toContain('a.txt');
  expect(existsSync(leak)).toBe(false);
});

test('a directory that is no work tree gives a bundle without git', async () => {
  const bundle = await failureBundle(parts, run(temporaryDirectory('plain')));
  expect(bundle.git).toBeNull();
  expect((await failureBundle(parts, run('/no/such/place'))).machine.diskFreeBytes).toBeNull();
});

test('a repository without commits, and a detached one, are told apart', async () => {
  const empty = temporaryDirectory('empty');
  git(empty, 'init', '--quiet', '--initial-branch=main');
  write(empty, { x: 'x' });
  expect((await failureBundle(parts, run(empty))).git).toMatchObject({ commit: null, changes: ['x'] });
  const detached = makeRepository({ a: 'a' });
  git(detached, 'checkout', '--quiet', '--detach');
  expect((await failureBundle(parts, run(detached))).git).toMatchObject({ branch: null, changes: [] });
});
