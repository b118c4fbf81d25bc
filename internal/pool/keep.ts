/** Keeps what somebody left in a slot, before it is cleaned. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { GitError } from '../../pkg/git/git-error.ts';
import { removeStaleLocks } from '../../pkg/git/locks.ts';
import { keepChanges, readStatus, setRef, type WorkTreeStatus } from '../../pkg/git/work-tree.ts';
import { keeperIdentity } from '../domain/git-names.ts';
import { isPublished, keepOwnRefs } from './keep-refs.ts';
import type { SlotPlace } from './places.ts';
import type { Kept } from './pool.ts';
import { limitsOf, stampOf, untilQuiet, type Work } from './work.ts';
import { slotTree } from './work-tree.ts';

/** The slot, and what is known of it. */
export interface KeepWish {
  readonly place: SlotPlace;
  /** where the pool brought it last; null: not known */
  readonly base: string | null;
  /** who had it, for the message; null: nobody */
  readonly requiredBy: string | null;
}

/** Where in a mirror things are kept. */
export const keptRefs = 'refs/keruta/kept/';

/** How long somebody's git in a slot is waited for; ms. */
const quietMs = 15_000;

/** What became of a slot that was looked through. */
export interface LookedThrough {
  /** nothing when the slot is as it was handed out */
  readonly kept: readonly Kept[];
  /** the commit whose files, and no others, are in the slot; null: there are others, or none */
  readonly cleanAt: string | null;
}

/**
 * Looks through a slot and keeps what the repository does not have: as refs in the mirror; when git cannot take it, the
 * whole directory is moved aside. The slot's files stay as they are, or are gone with the directory.
 */
export async function keepWhatIsLeft(work: Work, wish: KeepWish): Promise<LookedThrough> {
  const { place } = wish;
  const aside = async (what: string) => ({ kept: [await moveAside(work, place, what)], cleanAt: null });
  if (!(await hasEntries(place.path))) return { kept: [], cleanAt: null };
  if (!existsSync(join(place.gitDirectory, 'HEAD'))) return aside('an unknown work tree');
  await untilQuiet(work, place.path, quietMs);
  try {
    const looked = await keepByRefs(work, wish);
    for (const one of looked.kept) tell(work, one);
    return looked;
  } catch (error) {
    work.signal.throwIfAborted();
    if (!(error instanceof GitError)) throw error;
    work.parts.log.warn('git cannot keep what is in a slot', { slot: place.id, error: error.message });
    return aside('a work tree that git could not keep');
  }
}

async function keepByRefs(work: Work, { place, base, requiredBy }: KeepWish): Promise<LookedThrough> {
  const tree = slotTree(work.parts.git, place);
  const call = { ...limitsOf(work), directory: place.path };
  await removeStaleLocks(place.path, place.gitDirectory);
  const status = await readStatus(tree.git, call);
  const prefix = `${keptRefs}${keptName(work, place)}/`;
  const kept: Kept[] = [];
  const keep = async (name: string, commit: string) => {
    const ref = `${prefix}${name}`;
    await setRef(tree.keeper, { ...call, directory: tree.keeperDirectory, name: ref, commit });
    kept.push(keptRef(place, ref, commit));
  };
  if (status.changes.length > 0) {
    const message = `What ${place.id} held${requiredBy === null ? '' : ` after ${requiredBy}`}\n`;
    const scratch = { ref: 'refs/left', head: status.commit, message, identity: keeperIdentity };
    await keep('work', await keepChanges(tree.git, { ...call, ...scratch }));
  } else if (await isLocal(work, place, { status, base })) await keep('commit', status.commit ?? '');
  failpoint('pool_kept');
  const own = await keepOwnRefs(work, { place, base, prefix, head: status.commit });
  const all = [...kept, ...own.map(({ ref, commit }) => keptRef(place, ref, commit))];
  return { kept: all, cleanAt: status.changes.length === 0 ? status.commit : null };
}

async function isLocal(
  work: Work,
  place: SlotPlace,
  { status, base }: { readonly status: WorkTreeStatus; readonly base: string | null },
): Promise<boolean> {
  const { commit } = status;
  return commit !== null && commit !== base && !(await isPublished(work, place, { commit, base }));
}

/** Moves a slot's directory away; what remains is a slot that was never filled. */
export async function moveAside(work: Work, place: SlotPlace, what: string): Promise<Kept> {
  const { kept } = place.repository;
  await mkdir(kept, { recursive: true, mode: 0o700 });
  const path = join(kept, keptName(work, place));
  await rename(place.path, path);
  await rm(place.gitDirectory, { recursive: true, force: true });
  const one = { slotId: place.id, ref: null, commit: null, path, what };
  tell(work, one);
  return one;
}

function tell(work: Work, kept: Kept): void {
  work.parts.log.warn('something was left in a slot; it is kept', { ...kept });
}

/** `slot-3-20260101T120000Z-0a1b2c3d` */
function keptName(work: Work, place: SlotPlace): string {
  return `slot-${place.number}-${stampOf(work.parts)}`;
}

async function hasEntries(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** What a kept ref is, told from its name. */
export function keptRef(place: Pick<SlotPlace, 'id' | 'repository'>, ref: string, commit: string): Kept {
  const name = ref.slice(keptRefs.length).replace(/^[^/]*\//, '');
  const branch = /^heads\/(.+)$/.exec(name)?.[1];
  const words: Readonly<Record<string, string>> = {
    work: 'changed and new files',
    commit: 'a commit that is not published',
    HEAD: 'commits of the slot’s own .git',
  };
  const what = words[name] ?? (branch === undefined ? name : `branch ${branch}`);
  return { slotId: place.id, ref, commit, path: place.repository.mirror, what };
}
