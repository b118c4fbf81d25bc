import type { Git, GitLimits } from './git.ts';
import { GitError } from './git-error.ts';
import { nearbyNames } from './nearby.ts';
import { parseRef, refFault, type WantedRef } from './ref-name.ts';
import { askRemote, listRemote, pickRef, type RemoteRef } from './remote.ts';
import type { RepositoryUrl } from './repository-url.ts';

/** Which ref of which repository. */
export interface TargetQuestion extends GitLimits {
  readonly url: RepositoryUrl;
  readonly ref: string;
  /** nobody asked for this ref: when the remote lacks it, its own default branch is meant */
  readonly refIsDefault: boolean;
}

/**
 * Finds out what a ref means now. A commit id means itself, without asking anybody.
 * @throws {GitError} ref-not-found names what there is; unreachable, auth, timeout
 */
export async function findTarget(git: Git, question: TargetQuestion): Promise<RemoteRef> {
  const wanted = parseRef(question.ref);
  if (wanted.kind === 'commit') return { name: '', id: wanted.id };
  const remote = await askRemote(git, { ...question, wanted });
  const found = pickRef(remote, wanted) ?? (question.refIsDefault ? pickRef(remote, { kind: 'head' }) : null);
  if (found === null) throw await notFound(git, question, wanted);
  // What a remote says its HEAD is, is a text from outside like any other.
  return refFault(found.name) === null ? found : { ...found, name: '' };
}

async function notFound(git: Git, question: TargetQuestion, wanted: WantedRef): Promise<GitError> {
  const names = await listRemote(git, question);
  const { url } = question.url;
  if (names.length === 0)
    return new GitError('ref-not-found', `repository ${url} has no commits yet; push one first`);
  const shown = wanted.kind === 'head' ? 'default branch' : `ref "${question.ref}"`;
  const nearby = nearbyNames(question.ref, names).join(', ');
  return new GitError('ref-not-found', `repository ${url} has no ${shown}; it has ${nearby}`);
}
