import type { GitLimits } from '../../../pkg/git/git.ts';
import { GitError } from '../../../pkg/git/git-error.ts';
import { resolveCommit } from '../../../pkg/git/work-tree.ts';
import type { WorkTree } from '../work-tree.ts';
import { inTree } from './flow-call.ts';
import { type CommitIdentity, rebaseEnvironment, signingOptions } from './identity.ts';

/** Which tree, and how long. */
export interface TreeCall extends GitLimits {
  readonly tree: WorkTree;
}

/** What is to be rebased: the commits of HEAD that the target does not have. The tree is clean. */
export interface RebaseCall extends TreeCall {
  /** an id; is here */
  readonly onto: string;
  readonly identity: CommitIdentity;
}

/** How it went. After a conflict the tree stands, clean, where it stood. */
export type Rebased =
  | { readonly kind: 'rebased'; readonly commit: string; readonly isMoved: boolean }
  | Conflict;

/** Two changes that git cannot put together. */
export interface Conflict {
  readonly kind: 'conflict';
  /** paths, at most 1,000 */
  readonly files: readonly string[];
  /** the commit of the target */
  readonly onto: string;
  /** where the tree stands */
  readonly commit: string;
}

const maxFiles = 1_000;

/**
 * Puts the commits of HEAD on top of a target.
 * @throws {GitError}
 */
export async function rebaseOnto(call: RebaseCall): Promise<Rebased> {
  const { tree, onto, identity } = call;
  const limits = inTree(call);
  const before = await headOf(call);
  if (await isAncestor(call, onto, before)) return { kind: 'rebased', commit: before, isMoved: false };
  const env = rebaseEnvironment(identity);
  const options = [
    '--quiet',
    '--no-fork-point',
    '--no-autostash',
    '--no-autosquash',
    ...signingOptions(identity),
  ];
  const answer = await tree.git.local({
    ...limits,
    env,
    args: ['rebase', ...options, onto],
    okExits: [0, 1, 128],
  });
  if (answer.exitCode === 0) return { kind: 'rebased', commit: await headOf(call), isMoved: true };
  const args = ['diff', '--name-only', '--diff-filter=U', '--no-ext-diff', '--no-textconv', '-z'];
  const unmerged = await tree.git.local({ ...limits, args });
  const files = [...new Set(unmerged.stdout.split('\0').filter((path) => path !== ''))].slice(0, maxFiles);
  await abortRebase(call);
  if (files.length === 0)
    throw new GitError(
      'failed',
      `git rebase ended with ${answer.exitCode}: ${answer.stderr.trim().slice(0, 300)}`,
    );
  return { kind: 'conflict', files, onto, commit: before };
}

/** Gives up a rebase that a process left half done; nothing when there is none. */
export async function abortRebase(call: TreeCall): Promise<void> {
  await call.tree.git.local({ ...inTree(call), args: ['rebase', '--abort'], okExits: [0, 1, 128] });
}

/** Whether one commit is part of the history of another. */
export async function isAncestor(call: TreeCall, older: string, newer: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', older, newer];
  return (await call.tree.git.local({ ...inTree(call), args, okExits: [0, 1] })).exitCode === 0;
}

/** Where a tree stands. @throws {GitError} when it has no commit */
export async function headOf(call: TreeCall): Promise<string> {
  const commit = await resolveCommit(call.tree.git, { ...inTree(call), name: 'HEAD' });
  if (commit === null) throw new GitError('damaged', `${call.tree.directory} stands at no commit`);
  return commit;
}
