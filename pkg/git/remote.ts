import type { Git, GitLimits } from './git.ts';
import { GitError } from './git-error.ts';
import type { WantedRef } from './ref-name.ts';
import type { RepositoryUrl } from './repository-url.ts';

/** A ref as a remote has it. */
export interface RemoteRef {
  /** full, such as `refs/heads/main`; `''` when a commit id was asked for */
  readonly name: string;
  /** of a tag: the tag object, if it is annotated */
  readonly id: string;
}

/** What a remote said. */
export interface RemoteRefs {
  /** full name → id */
  readonly refs: ReadonlyMap<string, string>;
  /** what the remote's HEAD points to, such as `refs/heads/main`; null when it has none or does not say */
  readonly head: string | null;
}

const place = (git: Git) => git.parts.privateDirectory;

/**
 * Asks a remote for the refs that a wanted ref may mean: one connection.
 * @throws {GitError} unreachable, auth, timeout
 */
export async function askRemote(
  git: Git,
  request: GitLimits & { readonly url: RepositoryUrl; readonly wanted: WantedRef },
): Promise<RemoteRefs> {
  const names = namesOf(request.wanted);
  const refs = await list(git, request, ['--symref', '--end-of-options', request.url.url, 'HEAD', ...names]);
  // git matches the ends of names: refs/x/refs/heads/main is not what was asked for.
  const kept = [...refs.refs].filter(
    ([name]) => name === 'HEAD' || names.includes(name) || name === refs.head,
  );
  return { head: refs.head, refs: new Map(kept) };
}

/** Every branch and tag of a remote, for messages. @throws {GitError} */
export async function listRemote(
  git: Git,
  request: GitLimits & { readonly url: RepositoryUrl },
): Promise<readonly string[]> {
  const args = ['--heads', '--tags', '--refs', '--end-of-options', request.url.url];
  return [...(await list(git, request, args)).refs.keys()];
}

async function list(
  git: Git,
  request: GitLimits & { readonly url: RepositoryUrl },
  args: readonly string[],
): Promise<RemoteRefs> {
  const { stdout } = await git.remote({
    ...request,
    directory: place(git),
    args: ['ls-remote', '--quiet', ...args],
  });
  const refs = new Map<string, string>();
  let head: string | null = null;
  for (const line of stdout.split('\n')) {
    const [left, name] = line.split('\t');
    if (left === undefined || name === undefined) continue;
    if (left.startsWith('ref: ')) head = name === 'HEAD' ? left.slice('ref: '.length) : head;
    else if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(left)) refs.set(name, left);
  }
  return { refs, head };
}

/** The full names that a wanted ref may mean, best first. */
export function namesOf(wanted: WantedRef): readonly string[] {
  if (wanted.kind === 'full') return [wanted.name];
  if (wanted.kind === 'short') return [`refs/heads/${wanted.name}`, `refs/tags/${wanted.name}`];
  return [];
}

/** Picks what a wanted ref means among the refs of a remote; null when it has none of them. Pure. */
export function pickRef(remote: RemoteRefs, wanted: WantedRef): RemoteRef | null {
  if (wanted.kind === 'commit') return { name: '', id: wanted.id };
  if (wanted.kind === 'head') {
    const id = remote.refs.get('HEAD');
    return id === undefined ? null : { name: remote.head ?? '', id };
  }
  for (const name of namesOf(wanted)) {
    const id = remote.refs.get(name);
    if (id !== undefined) return { name, id };
  }
  return null;
}

/**
 * Fetches one ref by address (never by the name of a remote, whose configuration could name programs).
 *
 * @param request.source  full ref name or commit id on the remote; already checked
 * @param request.target  full name of the local ref that keeps it
 * @throws {GitError} ref-not-found, unreachable, auth, timeout, damaged
 */
export async function fetchRef(
  git: Git,
  request: GitLimits & {
    readonly directory: string;
    readonly url: RepositoryUrl;
    readonly source: string;
    readonly target: string;
  },
): Promise<void> {
  if (!/^(refs\/(heads|tags)\/.+|HEAD|[0-9a-f]{40}|[0-9a-f]{64})$/.test(request.source))
    throw new GitError('refused', `"${request.source}" is nothing that can be fetched`);
  const options = [
    '--quiet',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-fetch-head',
    '--end-of-options',
  ];
  await git.remote({
    ...request,
    args: ['fetch', ...options, request.url.url, `+${request.source}:${request.target}`],
    fallback: 'failed',
  });
}
