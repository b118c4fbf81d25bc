import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { removeStaleLocks } from '../../pkg/git/locks.ts';
import { createClone, type OwnClone } from '../../pkg/git/own-clone.ts';
import { checkoutCommit } from '../../pkg/git/work-tree.ts';
import { cloneMarker, excludedPatterns } from '../domain/git-names.ts';
import type { SlotPlace } from './places.ts';
import { limitsOf, objectsOf, untilQuiet, type Work } from './work.ts';
import { makeGitDirectory, slotTree } from './work-tree.ts';

/** How a slot is to be. */
export interface FillWish {
  readonly place: SlotPlace;
  /** an id; in the mirror */
  readonly commit: string;
  /** short name of the local branch in the slot's own `.git`; null: detached */
  readonly branch: string | null;
  /** without credentials */
  readonly repositoryUrl: string;
  /** the commit whose files, and no others, are known to be in it: those are not looked at again; default: not known */
  readonly cleanAt?: string | null;
}

/** How long a git that a dead process left behind may hold up a slot; ms. */
const quietMs = 15_000;

/**
 * Brings a slot to a commit: what differs is replaced, new files are removed, ignored ones stay. Only when nothing in it is
 * worth keeping. Broken off at any point and begun again it ends in the same state.
 * @throws {GitError}
 */
export async function fillSlot(work: Work, wish: FillWish): Promise<void> {
  const { place, commit, cleanAt = null } = wish;
  const tree = slotTree(work.parts.git, place);
  await mkdir(place.path, { recursive: true, mode: 0o700 });
  await untilQuiet(work, place.path, quietMs);
  await makeGitDirectory(place.gitDirectory, commit.length === 64);
  await removeStaleLocks(place.path, place.gitDirectory);
  failpoint('pool_filling');
  const call = { ...limitsOf(work), directory: place.path, commit, branch: null };
  if (cleanAt !== commit) await checkoutCommit(tree.git, { ...call, isClean: cleanAt !== null });
  failpoint('pool_filled');
  await makeOwnGit(wish);
}

/** The slot's own `.git`, as whoever works there expects it; made of files alone. One that is there is replaced. */
export async function makeOwnGit({ place, commit, branch, repositoryUrl }: FillWish): Promise<void> {
  const git = join(place.path, '.git');
  await rm(git, { recursive: true, force: true });
  await createClone(ownCloneOf(place, { repositoryUrl, isSha256: commit.length === 64 }));
  const index = join(place.gitDirectory, 'index');
  if (existsSync(index)) await copyFile(index, join(git, 'index'));
  if (branch === null) await writeFile(join(git, 'HEAD'), `${commit}\n`);
  else {
    await writeRef(git, `refs/heads/${branch}`, commit);
    await writeFile(join(git, 'HEAD'), `ref: refs/heads/${branch}\n`);
  }
}

async function writeRef(git: string, name: string, commit: string): Promise<void> {
  await mkdir(dirname(join(git, name)), { recursive: true });
  await writeFile(join(git, name), `${commit}\n`);
}

/** The slot's own `.git` as it is made, and made right again before it is looked at. */
export function ownCloneOf(
  place: SlotPlace,
  about: { readonly repositoryUrl: string; readonly isSha256: boolean },
): OwnClone {
  return {
    directory: place.path,
    marker: cloneMarker,
    url: about.repositoryUrl,
    objectFormat: about.isSha256 ? 'sha256' : 'sha1',
    excluded: excludedPatterns,
    borrows: objectsOf(place.repository.mirror),
  };
}
