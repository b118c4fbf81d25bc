import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLooseRef, keepsRefsInFiles, removeLooseRefs } from '../../../pkg/git/loose-ref.ts';
import { git, makeRepository, temporaryDirectory } from '../../fixtures/git.ts';

const identity = { name: 'me', email: 'me@example.org' };

function place() {
  const repository = makeRepository({ a: 'a' });
  const commit = git(repository, 'rev-parse', 'HEAD');
  const gitDirectory = join(repository, '.git');
  const ref = {
    gitDirectory,
    name: 'refs/x/one/before',
    commit,
    message: 'a\nb',
    identity,
    at: 1_700_000_000_000,
  };
  return { repository, commit, gitDirectory, ref };
}

describe('a ref that is written as a file', () => {
  test('is one that git knows, with a log; a second one of that name is not made', () => {
    const { repository, commit, ref } = place();
    expect(createLooseRef(ref)).toBe(true);
    expect(git(repository, 'rev-parse', ref.name)).toBe(commit);
    expect(git(repository, 'log', '--walk-reflogs', '--date=unix', '--format=%gs %gd', ref.name, '--')).toBe(
      'a b x/one/before@{1700000000}',
    );
    expect(createLooseRef({ ...ref, commit: '0'.repeat(40) })).toBe(false);
    git(repository, 'pack-refs', '--all', '--prune');
    expect(createLooseRef(ref)).toBe(false);
    expect(git(repository, 'fsck', '--strict')).toBe('');
  });

  test('is not made while somebody else changes it, nor through a link; nothing is left then', () => {
    const { gitDirectory, ref } = place();
    createLooseRef(ref);
    const other = { ...ref, name: 'refs/x/one/after' };
    writeFileSync(join(gitDirectory, `${other.name}.lock`), '');
    expect(() => createLooseRef(other)).toThrow(/EEXIST/);
    const elsewhere = temporaryDirectory('elsewhere');
    symlinkSync(elsewhere, join(gitDirectory, 'refs/y'));
    expect(() => createLooseRef({ ...ref, name: 'refs/y/z' })).toThrow(/EEXIST/);
    expect(existsSync(join(elsewhere, 'z'))).toBe(false);
    writeFileSync(join(elsewhere, 'kept'), '');
    removeLooseRefs(gitDirectory, 'refs/y/kept');
    expect(existsSync(join(elsewhere, 'kept'))).toBe(true);
  });

  test('goes with its log', () => {
    const { repository, gitDirectory, ref } = place();
    createLooseRef(ref);
    removeLooseRefs(gitDirectory, 'refs/x/one');
    expect(git(repository, 'for-each-ref', 'refs/x')).toBe('');
    expect(existsSync(join(gitDirectory, 'logs/refs/x/one'))).toBe(false);
  });

  test('is for repositories that keep refs in files alone', () => {
    const { repository, gitDirectory } = place();
    expect(keepsRefsInFiles(gitDirectory)).toBe(true);
    const linked = `${repository}-linked`;
    git(repository, 'worktree', 'add', '--quiet', '--detach', linked);
    expect(keepsRefsInFiles(join(linked, '.git'))).toBe(false);
    expect(keepsRefsInFiles(join(repository, 'nowhere'))).toBe(false);
  });
});
