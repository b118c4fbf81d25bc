import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Git, GitLimits } from '../../../pkg/git/git.ts';
import { GitError } from '../../../pkg/git/git-error.ts';
import { viewOf } from '../../../pkg/git/git-view.ts';
import { gitAfter, keepConfig } from '../../../pkg/git/kept-config.ts';
import { fetchRef } from '../../../pkg/git/remote.ts';
import { resolveCommit, setRef } from '../../../pkg/git/work-tree.ts';
import { objectsOf } from '../work.ts';
import { configOf, makeGitDirectory } from '../work-tree.ts';
import type { TaskTree } from './task-tree.ts';

/** A clone that is no slot of ours, and a place of our own. */
export interface CloneWish extends GitLimits {
  /** root of the work tree; absolute. A linked work tree of git does as well */
  readonly directory: string;
  /** for index and HEAD of our own; absolute; made; used again by whoever goes on with the same task */
  readonly gitDirectory: string;
}

/**
 * The work tree of a task in a clone that somebody else made: a slot of another pool, a person's own. It is looked at with an
 * index and a HEAD of our own as slots are, so what the configuration there names is not run on its files; refs of the task,
 * and what is fetched, go into the clone.
 *
 * @throws {GitError} it is no work tree, or has no commit yet
 */
export async function cloneTree(git: Git, wish: CloneWish): Promise<TaskTree> {
  const { directory, gitDirectory, ...limits } = wish;
  const call = { ...limits, directory };
  const { own, common } = await findRepository(git, call);
  const keeper = viewOf(git, { GIT_DIR: own });
  const head = await resolveCommit(keeper, { ...call, name: 'HEAD' });
  if (head === null)
    throw new GitError('refused', `${directory} has no commit yet; it needs one to begin from`);
  const isNew = !existsSync(join(gitDirectory, 'HEAD'));
  await makeGitDirectory(gitDirectory, head.length === 64);
  const named = {
    GIT_DIR: gitDirectory,
    GIT_WORK_TREE: directory,
    GIT_OBJECT_DIRECTORY: objectsOf(common),
  };
  const view = gitAfter(viewOf(git, named), () => keepConfig(gitDirectory, configOf));
  if (isNew) {
    await copyIndex(own, gitDirectory);
    await view.local({ ...call, args: ['update-ref', '--no-deref', 'HEAD', head] });
  }
  return {
    ...{ directory, git: view, keeper, keeperDirectory: directory },
    seenBranch: async ({ timeoutMs }) => {
      const args = ['symbolic-ref', '--quiet', 'HEAD'];
      const { stdout } = await keeper.local({ ...call, timeoutMs, args, okExits: [0, 1] });
      return stdout.trim() || null;
    },
    bring: async (more, { url, target }) => {
      const there = { ...more, directory };
      const kept = `refs/keruta/fetched/${target.id}`;
      const source = target.name === '' ? target.id : target.name;
      // objects alone may be the half of a fetch that was broken off
      const known = await resolveCommit(keeper, { ...there, name: kept });
      if (known === null) await fetchRef(keeper, { ...there, url, source, target: kept });
      const commit = known ?? (await resolveCommit(keeper, { ...there, name: kept }));
      if (commit === null) throw new GitError('ref-not-found', `${url.url} has no commit at ${source}`);
      return commit;
    },
    show: async ({ commit, branch }) => {
      await setRef(keeper, { ...call, name: `refs/heads/${branch}`, commit });
      await keeper.local({ ...call, args: ['symbolic-ref', 'HEAD', `refs/heads/${branch}`] });
      await copyIndex(gitDirectory, own);
    },
  };
}

/** @returns where the work tree's own HEAD and index are, and where its objects are; absolute */
async function findRepository(
  git: Git,
  call: GitLimits & { readonly directory: string },
): Promise<{ readonly own: string; readonly common: string }> {
  if (!existsSync(join(call.directory, '.git')))
    throw new GitError('refused', `${call.directory} is no git work tree; expected its root`);
  const args = ['rev-parse', '--absolute-git-dir', '--git-common-dir'];
  const [own = '', common = ''] = (await git.local({ ...call, args })).stdout.trim().split('\n');
  return { own, common: resolve(call.directory, common) };
}

async function copyIndex(from: string, to: string): Promise<void> {
  if (existsSync(join(from, 'index'))) await copyFile(join(from, 'index'), join(to, 'index'));
}
