import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { CredentialMode } from '../../../pkg/git/environment.ts';
import { findTarget } from '../../../pkg/git/find-target.ts';
import { createGit, type Git, type GitLimits, type GitParts } from '../../../pkg/git/git.ts';
import { GitError } from '../../../pkg/git/git-error.ts';
import { inspectPlace, type OwnClone, type PlaceState, readMarker } from '../../../pkg/git/own-clone.ts';
import { parseRef } from '../../../pkg/git/ref-name.ts';
import type { RemoteRef } from '../../../pkg/git/remote.ts';
import { parseRepositoryUrl, type RepositoryUrl } from '../../../pkg/git/repository-url.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { Random } from '../../../pkg/random/random.ts';
import { ConflictError } from '../../domain/errors.ts';
import { wrapGitError } from '../../domain/git-faults.ts';
import { cloneMarker, excludedPatterns } from '../../domain/git-names.ts';
import { makeClone, replaceClone } from './new-clone.ts';
import { type Refreshed, refresh } from './refresh.ts';

/** What checkout is made of. */
export interface CheckoutParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** the environment at the agent's start, for `inherit` */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** absolute, such as `<base>/git`; holds known hosts; made 0700 */
  readonly privateDirectory: string;
  /** replaces the real process in tests of faults */
  readonly run?: NonNullable<GitParts['run']>;
}

/** Which repository, where, and how. */
export interface CheckoutRequest {
  /** as the session has it; may hold user-info */
  readonly repositoryUrl: string;
  /** branch, tag, `refs/heads/…`, `refs/tags/…`, commit id, or `HEAD` */
  readonly ref: string;
  /** nobody chose `ref`: when the remote lacks it, its own default branch is taken; default false */
  readonly refIsDefault?: boolean;
  /** where the clone is, or is to be; absolute */
  readonly directory: string;
  readonly taskId: string;
  readonly allowLocalGit: boolean;
  /** whether a clone that we did not make may be used */
  readonly trustWorkingDir: boolean;
  readonly credentials: CredentialMode;
  /** lent for this repository; null, or credentials in its address: those */
  readonly lent?: { readonly username: string; readonly password: string } | null;
  /** wall time of all of it; default 10 min */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A work tree that stands at the commit. */
export interface CheckedOut extends Refreshed {
  readonly directory: string;
}

const defaultTimeoutMs = 600_000;

/** What one checkout carries from step to step. */
interface Work extends GitLimits {
  readonly parts: CheckoutParts;
  readonly request: CheckoutRequest;
  readonly git: Git;
  readonly url: RepositoryUrl;
}

/**
 * Brings the task's ref into the directory: clones the first time, fetches later, does nothing when nothing changed.
 *
 * What a work tree held before (changes, new files, commits that nothing else has) is kept under `refs/keruta/<task>/`;
 * ignored files stay where they are. A clone whose objects cannot be read is replaced once, and moved aside.
 *
 * @throws {InputError} KERUTA_ERR_REPOSITORY_REFUSED; {DeniedError} KERUTA_ERR_REPOSITORY_AUTH;
 *   {NotFoundError} KERUTA_ERR_REF_NOT_FOUND; {ConflictError} KERUTA_ERR_DIRECTORY;
 *   {UnavailableError} KERUTA_ERR_REPOSITORY_UNREACHABLE, KERUTA_ERR_GIT; the signal's reason
 */
export async function checkout(parts: CheckoutParts, request: CheckoutRequest): Promise<CheckedOut> {
  const timeoutMs = request.timeoutMs ?? defaultTimeoutMs;
  const deadline = new AbortController();
  const cancel = parts.clock.after(timeoutMs, () =>
    deadline.abort(
      new GitError('timeout', `the checkout did not end within ${Math.round(timeoutMs / 1000)} s`),
    ),
  );
  const signals = request.signal === undefined ? [deadline.signal] : [deadline.signal, request.signal];
  try {
    const own = parseRepositoryUrl(request.repositoryUrl, { allowLocal: request.allowLocalGit });
    const isLent = own.kind === 'https' && own.credentials === null;
    const url = isLent && request.lent ? { ...own, credentials: request.lent } : own;
    parseRef(request.ref);
    const git = createGit({
      ...parts,
      credentials: request.credentials,
      allowLocal: request.allowLocalGit,
    });
    await mkdir(parts.privateDirectory, { recursive: true, mode: 0o700 });
    const work = { parts, request, git, url, timeoutMs, signal: AbortSignal.any(signals) };
    return { directory: request.directory, ...(await bring(work)) };
  } catch (error) {
    throw wrapGitError(error);
  } finally {
    cancel();
  }
}

async function bring(work: Work): Promise<Refreshed> {
  const { request, git } = work;
  const state = await inspectPlace(request.directory, cloneMarker);
  refusePlace(state, request);
  const target = findTarget(git, { ...work, ref: request.ref, refIsDefault: request.refIsDefault ?? false });
  // It is awaited below; a failure before that is not an unhandled one.
  target.catch(() => {});
  if (state === 'missing' || state === 'empty') return cloneAfresh(work, target);
  if (state === 'foreign-clone') {
    await excludeFromPersonsClone(work);
    return refreshIn(work, { directory: request.directory, own: null, target });
  }
  const own = await ownClone(work, target);
  try {
    return await refreshIn(work, { directory: request.directory, own, target });
  } catch (error) {
    if (!(error instanceof GitError && error.fault === 'damaged')) throw error;
    return replaceDamaged(work, { target, error });
  }
}

function refusePlace(state: PlaceState, request: CheckoutRequest): void {
  if (state === 'other')
    throw new ConflictError(
      'KERUTA_ERR_DIRECTORY',
      `${request.directory} holds files and is no git clone; nothing in it was touched. Choose another working directory, or empty this one`,
    );
  if (state === 'foreign-clone' && !request.trustWorkingDir)
    throw new ConflictError(
      'KERUTA_ERR_DIRECTORY',
      `${request.directory} is a git clone that keruta did not make, so its configuration could run programs. If it is yours, start the agent with --trust-working-dir; else choose another working directory`,
    );
}

async function cloneAfresh(work: Work, target: Promise<RemoteRef>): Promise<Refreshed> {
  const { url, request, parts } = work;
  const own = ownCloneOf(work, (await target).id);
  const fill = (directory: string) => refreshIn(work, { directory, own, target });
  const done = await makeClone({ random: parts.random, clone: own, fill });
  parts.log.info('repository cloned', { repository: url.url, directory: request.directory });
  return done;
}

async function replaceDamaged(
  work: Work,
  fault: { readonly target: Promise<RemoteRef>; readonly error: GitError },
): Promise<Refreshed> {
  const { request, parts } = work;
  const { target } = fault;
  const own = ownCloneOf(work, (await target).id);
  const fill = (directory: string) => refreshIn(work, { directory, own, target });
  const { filled, aside } = await replaceClone({ random: parts.random, clone: own, fill });
  const { directory } = request;
  parts.log.warn('damaged clone replaced', { directory, movedTo: aside, fault: fault.error.message });
  return filled;
}

function refreshIn(
  work: Work,
  place: { readonly directory: string; readonly own: OwnClone | null; readonly target: Promise<RemoteRef> },
): Promise<Refreshed> {
  const at = work.parts.clock.now();
  return refresh(work.git, { ...work, ...place, at, taskId: work.request.taskId });
}

async function ownClone(work: Work, target: Promise<RemoteRef>): Promise<OwnClone> {
  const marker = await readMarker(work.request.directory, cloneMarker);
  return marker === null
    ? ownCloneOf(work, (await target).id)
    : { ...ownCloneOf(work, ''), objectFormat: marker.objectFormat };
}

function ownCloneOf(work: Work, id: string): OwnClone {
  return {
    directory: work.request.directory,
    marker: cloneMarker,
    url: work.url.url,
    objectFormat: id.length === 64 ? 'sha256' : 'sha1',
    excluded: excludedPatterns,
  };
}

/** Adds our pattern to the excludes of a person's clone, once; everything else there stays as it is. */
async function excludeFromPersonsClone(work: Work): Promise<void> {
  const { directory } = work.request;
  const { stdout } = await work.git.local({
    ...work,
    directory,
    args: ['rev-parse', '--git-path', 'info/exclude'],
  });
  const file = resolve(directory, stdout.trim());
  const text = await readFile(file, 'utf8').catch(() => '');
  const missing = excludedPatterns.filter((pattern) => !text.split('\n').includes(pattern));
  if (missing.length === 0) return;
  await mkdir(dirname(file), { recursive: true });
  const newline = text === '' || text.endsWith('\n') ? '' : '\n';
  await appendFile(file, `${newline}${missing.join('\n')}\n`);
}
