import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { fillSlot } from './fill.ts';
import { keepWhatIsLeft, type LookedThrough } from './keep.ts';
import type { Released } from './pool.ts';
import { readRecord, type SlotRecord, writeRecord } from './slot-record.ts';
import { type ReturnWish, takeBack } from './take-slot.ts';
import type { Work } from './work.ts';

/** Takes a slot back and cleans it; see `RepositoryPool.release`. @throws {GitError} and the errors of `takeBack` */
export async function release(work: Work, wish: ReturnWish): Promise<Released> {
  const { place } = wish;
  const record = await takeBack(work, wish);
  if (record === null) return { id: place.id, wasFree: true, kept: [] };
  failpoint('pool_taken_back');
  try {
    const isOurs = record.state === 'filling';
    const { kept, cleanAt } = isOurs ? nothing : await keepWhatIsLeft(work, { place, ...record });
    const filling: SlotRecord = { ...record, state: 'filling' };
    writeRecord(place, filling);
    const { base, repositoryUrl } = record;
    if (base !== null) await fillSlot(work, { place, commit: base, branch: null, repositoryUrl, cleanAt });
    failpoint('pool_before_free');
    const empty = { holder: null, lease: null, requiredBy: null, branch: null, leaseUntil: 0 };
    // one that was never filled is filled by the next one
    writeRecord(place, { ...filling, ...empty, state: base === null ? 'filling' : 'free' });
    return { id: place.id, wasFree: false, kept };
  } catch (error) {
    const state = readRecord(place)?.state ?? record.state;
    writeRecord(place, { ...record, state, holder: null, leaseUntil: 0 });
    throw error;
  }
}

const nothing: LookedThrough = { kept: [], cleanAt: null };
