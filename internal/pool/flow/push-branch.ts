import type { GitAnswer } from '../../../pkg/git/git.ts';
import { GitError, quote } from '../../../pkg/git/git-error.ts';
import { parseRef } from '../../../pkg/git/ref-name.ts';
import { askRemote } from '../../../pkg/git/remote.ts';
import type { RepositoryUrl } from '../../../pkg/git/repository-url.ts';
import { setRef } from '../../../pkg/git/work-tree.ts';
import { wrapGitError } from '../../domain/git-faults.ts';
import { refuseBranch } from './branch-name.ts';
import { type FlowCall, inTree } from './flow-call.ts';
import { type NetworkParts, onNetwork } from './on-network.ts';

/** Which commit, onto which branch. */
export interface PushCall extends FlowCall {
  readonly url: RepositoryUrl;
  /** short name */
  readonly branch: string;
  readonly commit: string;
  /** where the branch is believed to stand in the repository; null: it is not there. Else nothing is pushed */
  readonly remoteCommit: string | null;
  /** repetitions after a fault of the network; default 3 */
  readonly retries?: number;
}

/** How it went. */
export type Pushed =
  | { readonly kind: 'pushed'; readonly commit: string; readonly branch: string }
  /** the branch is not where it was believed to be, or the repository does not take it; it was not touched */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** the repository has a rule against it: a protected branch, a hook */
  | { readonly kind: 'protected'; readonly reason: string }
  /** nobody may push there, or not with these credentials */
  | { readonly kind: 'denied'; readonly reason: string }
  /** the network failed each time */
  | { readonly kind: 'unreachable'; readonly reason: string; readonly attempts: number };

/**
 * Pushes a commit onto the task's own branch, with the lease that `prepareBranch` gave: when somebody has moved the branch
 * since, nothing happens. Faults of the network are repeated; a push that went through although its answer was lost is told
 * as what it is.
 *
 * @throws {InputError} KERUTA_ERR_BAD_VALUE for a name that git refuses; {UnavailableError} KERUTA_ERR_GIT for the rest
 */
export async function pushBranch(parts: NetworkParts, call: PushCall): Promise<Pushed> {
  refuseBranch(call.branch);
  let attempts = 0;
  try {
    const pushed = await onNetwork(parts, { ...call, what: 'the push' }, (attempt) => {
      attempts = attempt;
      return push(call);
    });
    if (pushed.kind === 'pushed') await note(call);
    return pushed;
  } catch (error) {
    return outcomeOf(error, attempts);
  }
}

async function push(call: PushCall): Promise<Pushed> {
  const { tree, url, branch, commit, remoteCommit } = call;
  const ref = `refs/heads/${branch}`;
  const options = [
    '--porcelain',
    '--no-verify',
    '--no-follow-tags',
    '--no-recurse-submodules',
    '--no-signed',
  ];
  const answer = await tree.git.remote({
    ...inTree(call),
    url,
    args: [
      ...['push', ...options, `--force-with-lease=${ref}:${remoteCommit ?? ''}`],
      ...['--end-of-options', url.url, `${commit}:${ref}`],
    ],
    okExits: [0, 1],
    fallback: 'failed',
  });
  const said = readAnswer(answer);
  if (said === null) return { kind: 'pushed', commit, branch };
  // the answer to an earlier try may have been lost on its way
  if (said.kind === 'rejected' && (await stands(call))) return { kind: 'pushed', commit, branch };
  return said;
}

/** What the repository said to a push; null when it took it. Exported for tests of answers. */
export function readAnswer(answer: Pick<GitAnswer, 'exitCode' | 'stdout' | 'stderr'>): Pushed | null {
  const line = answer.stdout.split('\n').find((one) => one.startsWith('!\t'));
  if (line === undefined && answer.exitCode === 0) return null;
  const summary = line?.split('\t')[2] ?? '';
  const remote = answer.stderr
    .split('\n')
    .flatMap((one) => /^remote: (.+)$/.exec(one)?.[1] ?? [])
    .join('\n');
  const reason =
    quote([summary, remote].filter((text) => text.trim() !== '').join('\n')) || quote(answer.stderr);
  const isRule = summary.startsWith('[remote rejected]') && rule.test(`${summary}\n${remote}`);
  return { kind: isRule ? 'protected' : 'rejected', reason };
}

/** How GitHub, GitLab and plain hooks say that a rule of the repository is against it. */
const rule =
  /hook declined|protected branch|protected ref|GH00\d|GH013|repository rule|not allowed to (force )?push/i;

async function stands(call: PushCall): Promise<boolean> {
  const name = `refs/heads/${call.branch}`;
  const remote = await askRemote(call.tree.git, { ...inTree(call), url: call.url, wanted: parseRef(name) });
  return remote.refs.get(name) === call.commit;
}

/** The repository has it now: so the slot holds nothing of it that would have to be kept. */
async function note({ tree, branch, commit, ...limits }: PushCall): Promise<void> {
  const name = `refs/heads/${branch}`;
  await setRef(tree.keeper, { ...limits, directory: tree.keeperDirectory, name, commit }).catch((error) => {
    // a branch of another name is in its way: the next fetch knows better
    if (!(error instanceof GitError)) throw error;
  });
}

function outcomeOf(error: unknown, attempts: number): Pushed {
  if (error instanceof GitError) {
    const { fault, message: reason } = error;
    if (fault === 'auth') return { kind: 'denied', reason };
    if (fault === 'unreachable' || fault === 'timeout') return { kind: 'unreachable', reason, attempts };
  }
  throw wrapGitError(error);
}
