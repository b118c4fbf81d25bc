import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloneTree } from '../../../../internal/pool/flow/clone-tree.ts';
import { type CommitMade, commitAll } from '../../../../internal/pool/flow/commit-all.ts';
import { prepareBranch } from '../../../../internal/pool/flow/prepare-branch.ts';
import { pushBranch } from '../../../../internal/pool/flow/push-branch.ts';
import { undoTask } from '../../../../internal/pool/flow/undo.ts';
import { parseRepositoryUrl } from '../../../../pkg/git/repository-url.ts';
import { commit, git, makeRepository, temporaryDirectory, write } from '../../../fixtures/git.ts';
import { makePool, makeRemote, statusOf } from '../pool-fixture.ts';
import { branch, identity, taskId } from './flow-fixture.ts';

const limits = { timeoutMs: 60_000 };

/** A clone of a remote that has moved on since, with something of a person's in it. */
function makeClone() {
  const repository = makeRepository({ 'a.txt': 'one\n' });
  const remote = makeRemote(repository);
  const clone = join(temporaryDirectory('clone'), 'app');
  git(repository, 'clone', '--quiet', remote, clone);
  const first = git(clone, 'rev-parse', 'HEAD');
  git(
    repository,
    'push',
    '--quiet',
    remote,
    `${commit(repository, { 'b.txt': 'b\n' }, 'second')}:refs/heads/main`,
  );
  write(clone, { 'note.txt': 'note\n' });
  return { remote, clone, first };
}

describe('a clone that is no slot', () => {
  test.each(['a clone', 'a linked work tree'])(
    '%s has the same flow: prepare, commit, push, undo',
    async (kind) => {
      const { remote, clone, first } = makeClone();
      const directory = kind === 'a clone' ? clone : `${clone}-linked`;
      if (directory !== clone) {
        git(clone, 'worktree', 'add', '--quiet', '--detach', directory);
        write(directory, { 'note.txt': 'note\n' });
      }
      const { parts } = makePool();
      const leak = join(temporaryDirectory('leak'), 'leak');
      const evil = join(temporaryDirectory('evil'), 'evil.sh');
      writeFileSync(evil, `#!/bin/sh\necho ran >> ${leak}\ncat\n`, { mode: 0o755 });
      const open = () =>
        cloneTree(parts.git, { ...limits, directory, gitDirectory: join(parts.directory, '../own') });
      const tree = await open();
      const base = { ...limits, tree, taskId };
      const url = parseRepositoryUrl(remote, { allowLocal: true });
      const ready = await prepareBranch(parts, { ...base, url, branch, target: null, identity });
      expect(ready).toMatchObject({ kind: 'ready', branch, target: 'main', remoteCommit: null });
      expect(git(directory, 'log', '--format=%s %D', '-1')).toContain(branch);
      expect(statusOf(directory)).toBe('');
      expect(existsSync(join(directory, 'note.txt'))).toBe(false);
      // what works there makes a mess of its repository
      write(directory, { '.gitattributes': '* filter=evil\n', 'a.txt': 'done\n' });
      git(directory, 'commit', '--quiet', '--allow-empty', '--message', 'by itself');
      git(directory, 'config', 'filter.evil.clean', evil);
      const again = { ...base, tree: await open() };
      const gate = async () => [];
      const made = (await commitAll({ ...again, message: 'Do it\n', identity, gate })) as CommitMade;
      expect(made).toMatchObject({ kind: 'committed', files: 2 });
      expect(existsSync(leak)).toBe(false);
      const pushed = await pushBranch(parts, {
        ...again,
        url,
        branch,
        commit: made.commit,
        remoteCommit: null,
      });
      expect(pushed).toMatchObject({ kind: 'pushed' });
      expect(git(remote, '--git-dir=.', 'log', '--format=%s', branch)).toBe('Do it\nsecond\nfirst');
      expect(await undoTask(again)).toMatchObject({ kind: 'undone', commit: first, hasChanges: true });
      expect(readFileSync(join(directory, 'note.txt'), 'utf8')).toBe('note\n');
      expect(existsSync(join(directory, 'b.txt'))).toBe(false);
    },
  );

  test('that is none, or has no commit, is refused', async () => {
    const { parts } = makePool();
    const open = (directory: string) =>
      cloneTree(parts.git, { ...limits, directory, gitDirectory: join(parts.directory, '../own') });
    await expect(open(temporaryDirectory('plain'))).rejects.toThrow(/is no git work tree/);
    const empty = temporaryDirectory('empty');
    git(empty, 'init', '--quiet');
    await expect(open(empty)).rejects.toThrow(/has no commit yet/);
  });
});
