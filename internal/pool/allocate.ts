import { existsSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { findTarget } from '../../pkg/git/find-target.ts';
import { GitError } from '../../pkg/git/git-error.ts';
import { parseRef } from '../../pkg/git/ref-name.ts';
import type { RepositoryUrl } from '../../pkg/git/repository-url.ts';
import { readStatus } from '../../pkg/git/work-tree.ts';
import { fillSlot } from './fill.ts';
import { keepWhatIsLeft, moveAside } from './keep.ts';
import { bringToMirror } from './mirror.ts';
import { placeOf } from './places.ts';
import type { AllocateRequest, Kept, Slot } from './pool.ts';
import { slotOf } from './slot-of.ts';
import { readRecord, type SlotRecord, writeRecord } from './slot-record.ts';
import { type TakenSlot, takeSlot } from './take-slot.ts';
import { limitsOf, type Work, withCredentials } from './work.ts';
import { slotTree } from './work-tree.ts';

/** A checked request. */
export interface AllocateWish extends Omit<AllocateRequest, 'url' | 'leaseMs'> {
  readonly url: RepositoryUrl;
  readonly leaseMs: number;
}

/** Hands out a slot; see `RepositoryPool.allocate`. @throws {GitError} and the errors of `takeSlot` */
export async function allocate(work: Work, wish: AllocateWish): Promise<Slot> {
  const { parts } = work;
  const { ref = 'HEAD', requiredBy, branch = null, leaseMs, isOurs = true } = wish;
  parseRef(ref);
  const repository = placeOf(parts.directory, wish.url.url);
  const taken = await takeSlot(work, {
    ...{ repository, repositoryUrl: wish.url.url, requiredBy, branch, leaseMs, isOurs },
  });
  const { place } = taken;
  const lend = (record: SlotRecord, about: Pick<Slot, 'isResumed' | 'kept'>) => {
    const next: SlotRecord = { ...record, state: 'leased', requiredBy, holder: isOurs ? parts.holder : null };
    writeRecord(place, next);
    return slotOf(place, next, about);
  };
  if (taken.isResumed) return lend(taken.record, { isResumed: true, kept: [] });
  failpoint('pool_taken');
  try {
    const { record, kept } = await prepare(work, taken, { ...wish, ref });
    failpoint('pool_before_lease');
    // the lease begins when it is handed out
    const leaseUntil = parts.clock.now() + leaseMs;
    return lend({ ...record, leaseUntil }, { isResumed: false, kept });
  } catch (error) {
    giveUp(taken);
    throw error;
  }
}

async function prepare(
  work: Work,
  { place, record }: TakenSlot,
  wish: AllocateWish & { readonly ref: string },
): Promise<{ readonly record: SlotRecord; readonly kept: readonly Kept[] }> {
  const url = withCredentials(work.parts, wish.url, wish.credentials);
  const { repository } = place;
  const mirrored = findTarget(work.parts.git, {
    ...limitsOf(work),
    url,
    ref: wish.ref,
    refIsDefault: false,
  }).then(async (target) => ({ target, commit: await bringToMirror(work, { repository, url, target }) }));
  // it is awaited below; a failure before that is not an unhandled one
  mirrored.catch(() => {});
  const looked = record.state === 'filling' ? null : await keepWhatIsLeft(work, { place, ...record });
  const kept = [...(looked?.kept ?? [])];
  const { target, commit } = await mirrored;
  const { branch = null } = wish;
  const filling: SlotRecord = { ...record, state: 'filling', branch, base: commit };
  writeRecord(place, filling);
  const wanted = { place, commit, branch, repositoryUrl: record.repositoryUrl };
  const fill = () => fillSlot(work, wanted);
  try {
    await fillSlot(work, { ...wanted, cleanAt: looked?.cleanAt ?? null });
  } catch (error) {
    if (!(error instanceof GitError && error.fault === 'damaged')) throw error;
    // its index, or objects of the mirror
    await rm(place.gitDirectory, { recursive: true, force: true });
    await bringToMirror(work, { repository, url, target, mustBeNew: true });
    await fill();
  }
  if (kept.length > 0 && (await isDirty(work, place))) {
    kept.push(await moveAside(work, place, 'files that git leaves alone, such as a repository within'));
    await fill();
  }
  return { record: filling, kept };
}

/** Whether cleaning left something, as it does with repositories inside this one. */
async function isDirty(work: Work, place: TakenSlot['place']): Promise<boolean> {
  const tree = slotTree(work.parts.git, place);
  const { changes } = await readStatus(tree.git, { ...limitsOf(work), directory: place.path });
  return changes.length > 0;
}

/**
 * Leaves a slot to the next one who needs it; what is in it is looked through then, unless it was being filled. One that was
 * never made, such as that of a repository that is not there, is forgotten.
 */
function giveUp({ place, record }: TakenSlot): void {
  try {
    const { state } = readRecord(place) ?? record;
    if (record.base === null && state === 'filling' && !existsSync(place.path)) rmSync(place.record);
    else writeRecord(place, { ...record, state, holder: null, leaseUntil: 0 });
  } catch {
    // the first fault is the one to tell; the slot is taken again when this process has ended
  }
}
