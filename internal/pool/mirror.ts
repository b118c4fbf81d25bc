import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { bareGit, createBare, fetchMirror, hasCommit } from '../../pkg/git/bare-mirror.ts';
import { GitError } from '../../pkg/git/git-error.ts';
import { removeStaleLocks } from '../../pkg/git/locks.ts';
import { fetchRef, type RemoteRef } from '../../pkg/git/remote.ts';
import type { RepositoryUrl } from '../../pkg/git/repository-url.ts';
import { resolveCommit } from '../../pkg/git/work-tree.ts';
import { fileKey } from '../../pkg/process/proc.ts';
import { holding } from './hold.ts';
import type { RepositoryPlace } from './places.ts';
import { limitsOf, stampOf, untilQuiet, type Work } from './work.ts';

/** What is wanted of a mirror. */
export interface MirrorWish {
  readonly repository: RepositoryPlace;
  readonly url: RepositoryUrl;
  /** as the remote has it now */
  readonly target: RemoteRef;
  /** whether objects of the one that is there could not be read; default false */
  readonly mustBeNew?: boolean;
}

/**
 * Sees to it that the mirror has the target: makes the mirror, fetches, or does nothing. One process fetches for all that
 * wait. A mirror that cannot be read is replaced once, and moved aside.
 * @returns the commit
 * @throws {GitError}
 */
export async function bringToMirror(work: Work, wish: MirrorWish): Promise<string> {
  const { mirrorLock, mirror } = wish.repository;
  const seen = fileKey(mirror);
  const here = wish.mustBeNew === true ? null : await find(work, wish).catch(ifDamaged);
  if (here !== null) return here;
  return holding({ clock: work.parts.clock, signal: work.signal }, mirrorLock, async () => {
    try {
      // somebody else may have replaced it meanwhile
      const isKnownBad = wish.mustBeNew === true && fileKey(mirror) === seen;
      if (isKnownBad) throw new GitError('damaged', 'objects of the mirror cannot be read');
      return (await find(work, wish)) ?? (await update(work, wish));
    } catch (error) {
      if (!(error instanceof GitError && error.fault === 'damaged')) throw error;
      await moveAside(work, { repository: wish.repository, error });
      return update(work, wish);
    }
  });
}

async function find(work: Work, { repository, target }: MirrorWish): Promise<string | null> {
  const { git } = work.parts;
  const directory = repository.mirror;
  if (!existsSync(join(directory, 'HEAD'))) return null;
  const call = { ...limitsOf(work), directory };
  if (!(await hasCommit(git, { ...call, name: target.name, id: target.id }))) return null;
  return resolveCommit(bareGit(git, directory), { ...call, name: target.id });
}

async function update(work: Work, wish: MirrorWish): Promise<string> {
  const { repository, url, target } = wish;
  const { git, log } = work.parts;
  const { mirror } = repository;
  if (existsSync(join(mirror, 'HEAD'))) {
    await untilQuiet(work, mirror, work.timeoutMs);
    await removeStaleLocks(mirror, mirror);
    await fetchMirror(git, { ...limitsOf(work), directory: mirror, url });
  } else {
    if (existsSync(mirror)) throw new GitError('damaged', `${mirror} is no repository any more`);
    await make(work, wish);
    log.info('repository mirrored', { repository: url.url, directory: mirror });
  }
  failpoint('pool_fetched');
  const found = (await find(work, wish)) ?? (target.name === '' ? await fetchCommit(work, wish) : null);
  if (found !== null) return found;
  const what = target.name === '' ? `commit ${target.id}` : target.name;
  throw new GitError(
    'ref-not-found',
    `repository ${url.url} has no commit at ${what}; it may have moved just now`,
  );
}

/** A commit that no branch and no tag has, such as that of a pull request. */
async function fetchCommit(work: Work, wish: MirrorWish): Promise<string | null> {
  const { git } = work.parts;
  const { repository, url, target } = wish;
  const directory = repository.mirror;
  const kept = `refs/keruta/asked/${target.id}`;
  const call = { ...limitsOf(work), directory };
  await fetchRef(bareGit(git, directory), { ...call, url, source: target.id, target: kept });
  return find(work, wish);
}

/** Makes the mirror beside its place and moves it there when it is whole. */
async function make(work: Work, { repository, url, target }: MirrorWish): Promise<void> {
  const { mirror, directory } = repository;
  for (const name of await readdir(directory))
    if (name.startsWith('mirror.git.new-')) await removeRemains(join(directory, name));
  const fresh = `${mirror}.new-${stampOf(work.parts)}`;
  await createBare(fresh, target.id.length === 64 ? 'sha256' : 'sha1');
  failpoint('pool_mirror_begun');
  try {
    await fetchMirror(work.parts.git, { ...limitsOf(work), directory: fresh, url });
    failpoint('pool_mirror_made');
    await rename(fresh, mirror);
  } catch (error) {
    await removeRemains(fresh);
    throw error;
  }
}

/** What a process left that was killed; a git of it may still write there: then the next one removes it. */
async function removeRemains(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true }).catch(() => {});
}

async function moveAside(
  work: Work,
  { repository, error }: { readonly repository: RepositoryPlace; readonly error: GitError },
): Promise<void> {
  await mkdir(repository.kept, { recursive: true, mode: 0o700 });
  const movedTo = join(repository.kept, `mirror.git-${stampOf(work.parts)}`);
  await rename(repository.mirror, movedTo);
  work.parts.log.warn('a damaged mirror is replaced; it was moved aside', {
    mirror: repository.mirror,
    movedTo,
    fault: error.message,
  });
}

function ifDamaged(error: unknown): null {
  if (error instanceof GitError && error.fault === 'damaged') return null;
  throw error;
}
