import { mkdirSync, readdirSync } from 'node:fs';
import { isSomebodyIn } from '../../pkg/process/proc.ts';
import { isAlive, type ProcessIdentity } from '../../pkg/process/process-identity.ts';
import { ConflictError, NotFoundError, UnavailableError } from '../domain/errors.ts';
import { holding } from './hold.ts';
import { type RepositoryPlace, type SlotPlace, slotNumber, slotPlace } from './places.ts';
import { isAbandoned, readRecord, type SlotRecord, writeRecord } from './slot-record.ts';
import type { Work } from './work.ts';

/** Who wants a slot of a repository, for how long. */
export interface TakeWish {
  readonly repository: RepositoryPlace;
  /** without credentials */
  readonly repositoryUrl: string;
  readonly requiredBy: string;
  readonly branch: string | null;
  readonly leaseMs: number;
  readonly isOurs: boolean;
}

/** A slot that is ours from now on. */
export interface TakenSlot {
  readonly place: SlotPlace;
  readonly record: SlotRecord;
  /** it was handed out to the same before */
  readonly isResumed: boolean;
}

/** One slot of a repository. */
export interface FoundSlot {
  readonly place: SlotPlace;
  readonly record: SlotRecord;
}

const defaultMaxSlots = 32;

/** Every slot of a repository, by number. */
export function slotsOf(repository: RepositoryPlace): readonly FoundSlot[] {
  return readdirSync(repository.directory)
    .flatMap((name) => slotNumber(name) ?? [])
    .sort((a, b) => a - b)
    .flatMap((number) => {
      const place = slotPlace(repository, number);
      const record = readRecord(place);
      return record === null ? [] : [{ place, record }];
    });
}

/**
 * Chooses a slot and writes down that it is ours, so that nobody else takes it: the one that the same had before, a free
 * one, one that was abandoned and in which nobody works, a new one.
 * @throws {UnavailableError} KERUTA_ERR_POOL_FULL
 */
export function takeSlot(work: Work, wish: TakeWish): Promise<TakenSlot> {
  const { parts } = work;
  const { repository } = wish;
  mkdirSync(repository.directory, { recursive: true, mode: 0o700 });
  return holding({ clock: parts.clock, signal: work.signal }, repository.stateLock, () => {
    const slots = slotsOf(repository);
    const same = slots.find(({ record }) => isResumable(record, wish, parts.holder));
    if (same !== undefined) return resume(work, wish, same);
    const now = parts.clock.now();
    const free =
      slots.find(({ record }) => record.state === 'free') ??
      slots.find(({ place, record }) => isAbandoned(record, now) && !isSomebodyIn(place.path));
    if (free !== undefined) {
      // what was left by one that was only being filled is our own doing
      const state = free.record.state === 'filling' ? 'filling' : 'cleaning';
      const record: SlotRecord = { ...free.record, ...hold(work, wish), state };
      writeRecord(free.place, record);
      return {
        place: free.place,
        record: { ...record, requiredBy: free.record.requiredBy },
        isResumed: false,
      };
    }
    const place = slotPlace(repository, newNumber(work, slots));
    const record: SlotRecord = { ...hold(work, wish), state: 'filling', base: null };
    writeRecord(place, record);
    return { place, record, isResumed: false };
  });
}

function isResumable(record: SlotRecord, wish: TakeWish, self: ProcessIdentity): boolean {
  if (record.state !== 'leased' || record.requiredBy !== wish.requiredBy) return false;
  const { holder } = record;
  return holder === null || isSame(holder, self) || !isAlive(holder);
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;
}

function resume(work: Work, wish: TakeWish, { place, record: before }: FoundSlot): TakenSlot {
  const { lease, branch } = before;
  const own = hold(work, wish);
  const record: SlotRecord = { ...before, ...own, lease: lease ?? own.lease, branch };
  writeRecord(place, record);
  return { place, record, isResumed: true };
}

function hold({ parts }: Work, wish: TakeWish): Omit<SlotRecord, 'state' | 'base'> {
  return {
    repositoryUrl: wish.repositoryUrl,
    // one that begins with a dash would be taken for an option where it is handed to a command
    lease: `lease_${parts.random.secret(12)}`,
    requiredBy: wish.requiredBy,
    branch: wish.branch,
    holder: parts.holder,
    leaseUntil: parts.clock.now() + wish.leaseMs,
  };
}

function newNumber({ parts }: Work, slots: readonly FoundSlot[]): number {
  const most = parts.maxSlots ?? defaultMaxSlots;
  const used = new Set(slots.map(({ place }) => place.number));
  for (let number = 1; number <= most; number += 1) if (!used.has(number)) return number;
  const by = slots.map(({ place, record }) => `${place.id} (${record.requiredBy ?? 'unknown'})`);
  throw new UnavailableError(
    'KERUTA_ERR_POOL_FULL',
    `All ${most} slots of the repository are in use: ${by.slice(0, 5).join(', ')}${by.length > 5 ? ', …' : ''}. ` +
      'Wait until one is released, or release one: keruta slot release SLOT',
    { details: { slots: slots.map(({ place }) => place.id) } },
  );
}

/** Which slot is to be taken back, and from whom. */
export interface ReturnWish {
  readonly place: SlotPlace;
  readonly lease: string | undefined;
  readonly force: boolean;
}

/**
 * Takes a slot back: writes down that it is being cleaned, by us.
 * @returns null when it is free already
 * @throws {NotFoundError} KERUTA_ERR_SLOT_NOT_FOUND; {ConflictError} KERUTA_ERR_SLOT_IN_USE
 */
export function takeBack(work: Work, { place, lease, force }: ReturnWish): Promise<SlotRecord | null> {
  const { parts } = work;
  return inRepository(work, place, () => {
    const record = existing(place);
    if (lease !== undefined && record.lease !== lease)
      throw inUse(place, 'this lease of it has ended; somebody else may have it by now');
    if (record.state === 'free') return null;
    const { holder } = record;
    const isBusy = holder !== null && !isSame(holder, parts.holder) && isAlive(holder);
    if (isBusy && !(force && record.state === 'leased'))
      throw inUse(place, `process ${holder.pid} has it for ${record.requiredBy ?? 'somebody'}`);
    const state = record.state === 'filling' ? 'filling' : 'cleaning';
    const next: SlotRecord = { ...record, state, holder: parts.holder };
    writeRecord(place, next);
    return next;
  });
}

/**
 * Makes a lease last longer.
 * @throws {NotFoundError} KERUTA_ERR_SLOT_NOT_FOUND; {ConflictError} KERUTA_ERR_SLOT_IN_USE
 */
export function prolong(
  work: Work,
  { place, lease, leaseMs }: { readonly place: SlotPlace; readonly lease: string; readonly leaseMs: number },
): Promise<SlotRecord> {
  return inRepository(work, place, () => {
    const record = existing(place);
    if (record.state !== 'leased' || record.lease !== lease) throw inUse(place, 'this lease of it has ended');
    const next = { ...record, leaseUntil: work.parts.clock.now() + leaseMs };
    writeRecord(place, next);
    return next;
  });
}

async function inRepository<T>(work: Work, place: SlotPlace, action: () => T): Promise<T> {
  const { repository } = place;
  if (readRecord(place) === null) throw missing(place.id);
  return holding({ clock: work.parts.clock, signal: work.signal }, repository.stateLock, action);
}

function existing(place: SlotPlace): SlotRecord {
  const record = readRecord(place);
  if (record === null) throw missing(place.id);
  return record;
}

/** There is no slot of that name. */
export function missing(id: string): NotFoundError {
  return new NotFoundError(
    'KERUTA_ERR_SLOT_NOT_FOUND',
    `There is no slot "${id.slice(0, 120)}" in this pool; see: keruta slot list`,
  );
}

function inUse(place: SlotPlace, why: string): ConflictError {
  return new ConflictError('KERUTA_ERR_SLOT_IN_USE', `Slot ${place.id} was left as it is: ${why}.`, {
    details: { slotId: place.id },
  });
}
