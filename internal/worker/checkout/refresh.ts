import type { Git, GitLimits } from '../../../pkg/git/git.ts';
import { GitError } from '../../../pkg/git/git-error.ts';
import { removeStaleLocks } from '../../../pkg/git/locks.ts';
import { type OwnClone, tidyClone } from '../../../pkg/git/own-clone.ts';
import { fetchRef, type RemoteRef } from '../../../pkg/git/remote.ts';
import type { RepositoryUrl } from '../../../pkg/git/repository-url.ts';
import {
  checkoutCommit,
  isOnlyCopy,
  keepChanges,
  readStatus,
  resolveCommit,
  setRef,
  type WorkTreeStatus,
} from '../../../pkg/git/work-tree.ts';
import { foundMessage, keeperIdentity, keptMessage, taskRef } from '../../domain/git-names.ts';
import { isRecorded, recordFound } from './record-found.ts';

/** A clone that is to stand at a target. */
export interface RefreshCall extends GitLimits {
  readonly directory: string;
  readonly url: RepositoryUrl;
  readonly taskId: string;
  /** now; epoch ms */
  readonly at: number;
  /** how our own clone is to be; null: a person's clone, whose configuration stays */
  readonly own: OwnClone | null;
  /** what the ref means; asked for while the work tree is being looked at */
  readonly target: Promise<RemoteRef>;
}

/** What was done. */
export interface Refreshed {
  readonly commit: string;
  /** the ref that keeps what the work tree held before; null: nothing had to be kept */
  readonly stashedRef: string | null;
  /** whether objects came over the network */
  readonly fetched: boolean;
}

/**
 * Brings a clone to the target: tidy, look, fetch, keep, check out; each only when it is needed. Where it stood before is
 * recorded under `refs/keruta/<task>/before`. Running it again after it was killed at any point ends in the same state.
 * @throws {GitError}
 */
export async function refresh(git: Git, call: RefreshCall): Promise<Refreshed> {
  if (call.own !== null) {
    await tidyClone({ ...call.own, directory: call.directory });
    await removeStaleLocks(call.directory);
  }
  const [status, target] = await Promise.all([readStatus(git, call), call.target]);
  const { commit, fetched } = await obtain(git, { call, status, target });
  const branch = target.name.startsWith('refs/heads/') ? target.name : null;
  const dirty = status.changes.length > 0;
  if (!dirty && status.commit === commit && status.branch === branch) {
    await recordFound(git, call, { commit, branch });
    return { commit, stashedRef: null, fetched };
  }
  const stashedRef = await keep(git, { call, status, commit, branch });
  await checkoutCommit(git, { ...call, commit, branch });
  // a clone that was made for the task: there is nothing before its beginning
  if (status.commit === null) await recordFound(git, call, { commit, branch });
  if (branch !== null) {
    // For scripts that say `origin/main`; a clash with an older name there is no reason to fail.
    const name = branch.replace('refs/heads/', 'refs/remotes/origin/');
    await setRef(git, { ...call, name, commit }).catch(ignoreGitError);
  }
  return { commit, stashedRef, fetched };
}

/** Makes sure that the target's objects are here. */
async function obtain(
  git: Git,
  request: { call: RefreshCall; status: WorkTreeStatus; target: RemoteRef },
): Promise<{ commit: string; fetched: boolean }> {
  const { call, status, target } = request;
  if (status.commit === target.id) return { commit: target.id, fetched: false };
  const here = await resolveCommit(git, { ...call, name: target.id });
  if (here !== null) return { commit: here, fetched: false };
  const kept = taskRef(call.taskId, 'start');
  const source = target.name === '' ? target.id : target.name;
  await fetchRef(git, { ...call, source, target: kept });
  const commit = await resolveCommit(git, { ...call, name: kept });
  if (commit === null)
    throw new GitError('damaged', `the clone in ${call.directory} does not give back what was fetched`);
  return { commit, fetched: true };
}

/** Keeps what the checkout is about to replace: changed and new files, and commits that no other ref has. */
async function keep(
  git: Git,
  request: { call: RefreshCall; status: WorkTreeStatus; commit: string; branch: string | null },
): Promise<string | null> {
  const { call, status, commit, branch } = request;
  const keptRef = await keepTree(git, request);
  if (branch === null || branch === status.branch) return keptRef;
  const tip = await resolveCommit(git, { ...call, name: branch });
  if (tip === null || tip === commit) return keptRef;
  if (!(await isOnlyCopy(git, { ...call, commit: tip, target: commit, exceptBranch: branch })))
    return keptRef;
  const kept = taskRef(call.taskId, 'branch');
  await setRef(git, { ...call, name: kept, commit: tip });
  return keptRef ?? kept;
}

/** @returns the ref of what nothing else leads to; null: there is nothing of that kind */
async function keepTree(git: Git, request: Parameters<typeof keep>[1]): Promise<string | null> {
  const { call, status, commit, branch } = request;
  const message = foundMessage({ branch: status.branch, holdsWork: true });
  if (status.changes.length > 0) {
    const ref = await freeRef(git, call);
    const kept = { message: keptMessage(call.taskId), identity: keeperIdentity, logMessage: message };
    await keepChanges(git, { ...call, ref, head: status.commit, ...kept });
    return ref;
  }
  if (status.commit === null) return null;
  const found = { commit: status.commit, branch: status.branch };
  // Commits on another branch than the one that moves are kept by that branch.
  const exceptBranch = status.branch === branch ? branch : null;
  if (
    found.commit === commit ||
    !(await isOnlyCopy(git, { ...call, commit: found.commit, target: commit, exceptBranch }))
  ) {
    await recordFound(git, call, found);
    return null;
  }
  const name = await freeRef(git, call);
  await setRef(git, { ...call, name, commit: found.commit, message });
  return name;
}

/** What was there before the first attempt stays: what an earlier attempt left is kept beside it. */
async function freeRef(git: Git, call: RefreshCall): Promise<string> {
  const isAgain = await isRecorded(git, call);
  return isAgain ? `${taskRef(call.taskId, 'left')}/${call.at}` : taskRef(call.taskId, 'before');
}

function ignoreGitError(error: unknown): void {
  if (!(error instanceof GitError)) throw error;
}
