import { GitError } from '../../../pkg/git/git-error.ts';
import { parseRef } from '../../../pkg/git/ref-name.ts';
import { askRemote, pickRef, type RemoteRef } from '../../../pkg/git/remote.ts';
import type { RepositoryUrl } from '../../../pkg/git/repository-url.ts';
import { checkoutCommit } from '../../../pkg/git/work-tree.ts';
import { InputError } from '../../domain/errors.ts';
import { wrapGitError } from '../../domain/git-faults.ts';
import { recordBefore } from './before.ts';
import { refuseBranch } from './branch-name.ts';
import { type FlowCall, inTree } from './flow-call.ts';
import { type ForeignCommit, foreignCommits } from './foreign-commits.ts';
import type { CommitIdentity } from './identity.ts';
import { type NetworkParts, onNetwork } from './on-network.ts';
import { abortRebase, type Conflict, rebaseOnto } from './rebase.ts';

/** Which branch, from where. */
export interface PrepareCall extends FlowCall {
  readonly url: RepositoryUrl;
  /** short name; checked */
  readonly branch: string;
  /** short or full name of the branch that the work is for; null: the repository's default branch */
  readonly target: string | null;
  /** ids of tasks whose commits may be on the branch already, besides the task itself; such as its parents */
  readonly alsoOf?: readonly string[];
  readonly identity: CommitIdentity;
  /** repetitions after a fault of the network; default 3 */
  readonly retries?: number;
}

/** How it went. But for `ready` the slot stands, clean, at a commit of the repository. */
export type Prepared =
  | ReadyBranch
  | Conflict
  /** the branch exists, with commits that were not made for this task: it is not touched */
  | { readonly kind: 'foreign-branch'; readonly branch: string; readonly commits: readonly ForeignCommit[] };

/** A branch that can be worked on. */
export interface ReadyBranch {
  readonly kind: 'ready';
  readonly branch: string;
  /** short name */
  readonly target: string;
  readonly targetCommit: string;
  /** where the tree stands */
  readonly commit: string;
  /** where the branch stands in the repository; null: it is not there yet. What `pushBranch` expects */
  readonly remoteCommit: string | null;
}

/**
 * Makes a task's branch ready in its slot: asks the repository, fetches, goes on with what the task has pushed before, rebases
 * it on the target. What the slot held is kept under `refs/keruta/<task>/before`, for `undo`. May be repeated.
 *
 * @throws {InputError} KERUTA_ERR_BAD_VALUE for a name that git refuses, or that is the target; and as `RepositoryPool.allocate`
 */
export async function prepareBranch(parts: NetworkParts, call: PrepareCall): Promise<Prepared> {
  refuseBranch(call.branch);
  try {
    return await prepare(parts, call);
  } catch (error) {
    throw wrapGitError(error);
  }
}

async function prepare(parts: NetworkParts, call: PrepareCall): Promise<Prepared> {
  const { tree, branch, url } = call;
  await abortRebase(call);
  await recordBefore(call);
  const { target, remote } = await onNetwork(parts, { ...call, what: 'asking the repository' }, () =>
    ask(call),
  );
  const short = target.name.replace(/^refs\/heads\//, '');
  if (short === branch)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `The task's branch ${branch} is the branch that its work is for. Choose another name for it.`,
    );
  const bring = (ref: RemoteRef) =>
    onNetwork(parts, { ...call, what: 'the fetch' }, () => tree.bring(call, { url, target: ref }));
  const targetCommit = await bring(target);
  const remoteCommit = remote === null ? null : await bring(remote);
  await stand(call, targetCommit);
  if (remoteCommit !== null) {
    const commits = await foreignCommits(call, { from: targetCommit, to: remoteCommit });
    if (commits.length > 0) return { kind: 'foreign-branch', branch, commits };
    await stand(call, remoteCommit);
  }
  const rebased = await rebaseOnto({ ...call, onto: targetCommit });
  if (rebased.kind === 'conflict') return rebased;
  const { commit } = rebased;
  await tree.show({ commit, branch, repositoryUrl: url.url });
  return { kind: 'ready', branch, target: short, targetCommit, commit, remoteCommit };
}

async function ask(
  call: PrepareCall,
): Promise<{ readonly target: RemoteRef; readonly remote: RemoteRef | null }> {
  const { tree, url, branch } = call;
  const name = call.target ?? 'HEAD';
  const wanted = parseRef(name);
  const own = parseRef(`refs/heads/${branch}`);
  const [forTarget, forBranch] = await Promise.all([
    askRemote(tree.git, { ...inTree(call), url, wanted }),
    askRemote(tree.git, { ...inTree(call), url, wanted: own }),
  ]);
  const target = pickRef(forTarget, wanted);
  if (target === null || !target.name.startsWith('refs/heads/'))
    throw new GitError(
      'ref-not-found',
      `repository ${url.url} has no branch ${name === 'HEAD' ? 'of its own choice' : `"${name}"`}`,
    );
  return { target, remote: pickRef(forBranch, own) };
}

function stand(call: PrepareCall, commit: string): Promise<void> {
  return checkoutCommit(call.tree.git, { ...inTree(call), commit, branch: null });
}
