import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commit, git, makeRepository, write } from '../../../fixtures/git.ts';
import { badRefs } from '../../../fixtures/hostile-names.ts';
import { statusOf } from '../pool-fixture.ts';
import { branch, makeFlowDesk, taskId } from './flow-fixture.ts';

const files = { 'a.txt': '1\n2\n3\n', 'b.txt': 'b\n' };
const trailer = `\n\nKeruta-Task: ${taskId}`;

/** Commits on a branch of a repository, and goes back to main. */
function onBranch(remote: string, change: Record<string, string>, message: string): string {
  git(remote, 'checkout', '--quiet', '-B', branch);
  const id = commit(remote, change, message);
  git(remote, 'checkout', '--quiet', 'main');
  return id;
}

describe('prepareBranch', () => {
  test('stands at the target as it is now, with the branch in the slot’s own .git', async () => {
    const remote = makeRepository(files);
    const desk = await makeFlowDesk(remote);
    const second = commit(remote, { 'a.txt': 'two\n' }, 'second');
    expect(await desk.prepare()).toEqual({
      kind: 'ready',
      branch,
      target: 'main',
      targetCommit: second,
      commit: second,
      remoteCommit: null,
    });
    expect(git(desk.slot.path, 'log', '-1', '--format=%H %D')).toBe(`${second} HEAD -> ${branch}`);
    expect(statusOf(desk.slot.path)).toBe('');
    expect(readFileSync(join(desk.slot.path, 'a.txt'), 'utf8')).toBe('two\n');
  });

  test('goes on with what the task has pushed before, on top of the target', async () => {
    const remote = makeRepository(files);
    const earlier = onBranch(remote, { 'c.txt': 'c\n' }, `done${trailer}`);
    const second = commit(remote, { 'b.txt': 'two\n' }, 'second');
    const desk = await makeFlowDesk(remote);
    const prepared = await desk.prepare();
    expect(prepared).toMatchObject({ kind: 'ready', remoteCommit: earlier, targetCommit: second });
    expect(git(desk.slot.path, 'log', '--format=%s %an %cn')).toBe(
      'done A Person Robot\nsecond A Person A Person\nfirst A Person A Person',
    );
    expect(existsSync(join(desk.slot.path, 'c.txt'))).toBe(true);
  });

  test('tells the files of a conflict, and leaves the slot clean where the branch stood', async () => {
    const remote = makeRepository(files);
    const earlier = onBranch(remote, { 'a.txt': '1\nbranch\n3\n', 'b.txt': 'x\n' }, `done${trailer}`);
    const second = commit(remote, { 'a.txt': '1\nmain\n3\n' }, 'second');
    const desk = await makeFlowDesk(remote);
    expect(await desk.prepare()).toEqual({
      kind: 'conflict',
      files: ['a.txt'],
      onto: second,
      commit: earlier,
    });
    const { tree } = desk;
    const { stdout } = await tree.git.local({
      directory: tree.directory,
      timeoutMs: 10_000,
      args: ['status', '--porcelain'],
    });
    expect(stdout).toBe('');
    expect((await desk.on.pool.release({ id: desk.slot.id })).kept).toEqual([]);
  });

  test('refuses a branch with commits of somebody else, and says whose', async () => {
    const remote = makeRepository(files);
    onBranch(remote, { 'c.txt': 'c\n' }, `done${trailer}`);
    const theirs = onBranch(remote, { 'd.txt': 'd\n' }, 'mine, do not touch\n\nKeruta-Task: another');
    const desk = await makeFlowDesk(remote);
    expect(await desk.prepare()).toEqual({
      kind: 'foreign-branch',
      branch,
      commits: [{ commit: theirs, author: 'A Person', subject: 'mine, do not touch' }],
    });
    expect(await desk.prepare({ alsoOf: ['another'] })).toMatchObject({ kind: 'ready' });
  });

  test('works for another target, and refuses one that is not there or is the branch itself', async () => {
    const remote = makeRepository(files);
    const first = git(remote, 'rev-parse', 'HEAD');
    git(remote, 'branch', 'release/1');
    git(remote, 'tag', 'v1');
    commit(remote, { 'a.txt': 'two\n' }, 'second');
    const desk = await makeFlowDesk(remote);
    expect(await desk.prepare({ target: 'release/1' })).toMatchObject({ target: 'release/1', commit: first });
    for (const target of ['nowhere', 'v1'])
      await expect(desk.prepare({ target })).rejects.toMatchObject({ code: 'KERUTA_ERR_REF_NOT_FOUND' });
    await expect(desk.prepare({ branch: 'main' })).rejects.toMatchObject({ code: 'KERUTA_ERR_BAD_VALUE' });
  });

  test('refuses names that git would refuse, before git is asked', async () => {
    const desk = await makeFlowDesk(makeRepository(files));
    const before = desk.on.asked.length;
    for (const name of [...badRefs.filter((ref) => !ref.startsWith('refs/')), 'HEAD', 'refs/heads/x'])
      await expect(desk.prepare({ branch: name })).rejects.toMatchObject({ code: 'KERUTA_ERR_BAD_VALUE' });
    expect(desk.on.asked).toHaveLength(before);
  });

  test('goes on after a process that died in the middle of a rebase', async () => {
    const remote = makeRepository(files);
    onBranch(remote, { 'a.txt': '1\nbranch\n3\n' }, `done${trailer}`);
    const desk = await makeFlowDesk(remote);
    await desk.prepare();
    const second = commit(remote, { 'a.txt': '1\nmain\n3\n' }, 'second');
    const { tree } = desk;
    await tree.keeper.local({
      directory: tree.keeperDirectory,
      timeoutMs: 10_000,
      env: { GIT_ALLOW_PROTOCOL: 'file' },
      args: ['fetch', '--quiet', remote, '+refs/heads/main:refs/heads/main'],
    });
    const env = { GIT_COMMITTER_NAME: 'x', GIT_COMMITTER_EMAIL: 'x' };
    const args = ['rebase', '--quiet', second];
    await tree.git.local({ directory: tree.directory, timeoutMs: 10_000, env, args, okExits: [1] });
    expect(readFileSync(join(tree.directory, 'a.txt'), 'utf8')).toContain('<<<<<<<');
    expect(await desk.prepare()).toMatchObject({ kind: 'conflict', files: ['a.txt'] });
    write(tree.directory, {});
    expect(readFileSync(join(tree.directory, 'a.txt'), 'utf8')).toBe('1\nbranch\n3\n');
  });
});
