import type { SlotPlace } from './places.ts';
import type { Kept, Slot } from './pool.ts';
import type { SlotRecord } from './slot-record.ts';

/** A slot as whoever holds it sees it. */
export function slotOf(
  place: SlotPlace,
  record: SlotRecord,
  about: { readonly isResumed: boolean; readonly kept: readonly Kept[] },
): Slot {
  return {
    id: place.id,
    lease: record.lease ?? '',
    path: place.path,
    mirrorPath: place.repository.mirror,
    repositoryUrl: record.repositoryUrl,
    requiredBy: record.requiredBy ?? '',
    commit: record.base ?? '',
    branch: record.branch,
    leaseUntil: record.leaseUntil,
    ...about,
  };
}
