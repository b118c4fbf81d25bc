/**
 * Where agent tasks work: slots of repositories. The port.
 *
 * Of each repository there is one bare mirror, which is fetched once for everybody, and any number of *slots*: work trees
 * that are handed out and returned. A slot that was used before needs its changed files only, so a second task on a large
 * repository starts at once.
 *
 * A slot is a directory with a `.git` of its own, for whoever works in it; it borrows the mirror's objects. What the pool
 * does there (looking, keeping, committing) it does with a second index and HEAD outside of the slot. So nothing that is
 * done to `.git` in a slot, its configuration, its hooks or the whole of it, reaches the pool, the mirror or another slot.
 *
 * Laws, each a test:
 * - a slot is held by one at a time, whatever processes ask, and for as long as the process that holds it is alive or its
 *   lease has not run out; asked again by the same, it is the same slot with all that is in it;
 * - what is found in a slot when it is cleaned (changed and new files, commits and stashes that the repository does not
 *   have) is kept in the mirror under `refs/keruta/kept/`, or, when git cannot take it, the directory is moved to `kept/`;
 *   it is told, listed, and never deleted by the pool;
 * - a process that dies at any point leaves nothing behind that a later call does not finish or undo;
 * - ignored files stay in a slot, as caches do;
 * - a mirror that cannot be read is replaced, and moved aside.
 */
import type { RepositoryCredentials } from '../../pkg/git/repository-url.ts';

/** Hands out slots. */
export interface RepositoryPool {
  /**
   * Hands out a slot of a repository that stands at a ref, clean; makes one when none is free.
   *
   * Asked again by the same `requiredBy` while its lease holds and no other process has it, gives the same slot, untouched.
   * @throws {InputError} KERUTA_ERR_REPOSITORY_REFUSED, KERUTA_ERR_BAD_VALUE; {DeniedError} KERUTA_ERR_REPOSITORY_AUTH;
   *   {NotFoundError} KERUTA_ERR_REF_NOT_FOUND; {ConflictError} KERUTA_ERR_DIRECTORY; {UnavailableError}
   *   KERUTA_ERR_POOL_FULL, KERUTA_ERR_REPOSITORY_UNREACHABLE, KERUTA_ERR_GIT, KERUTA_ERR_DISK_FULL; the signal's reason
   */
  allocate(request: AllocateRequest): Promise<Slot>;
  /**
   * Takes a slot back and cleans it. One that is free already stays so.
   * @throws {NotFoundError} KERUTA_ERR_SLOT_NOT_FOUND; {ConflictError} KERUTA_ERR_SLOT_IN_USE: somebody else has it;
   *   {UnavailableError} KERUTA_ERR_GIT, KERUTA_ERR_DISK_FULL: it is cleaned when it is next handed out
   */
  release(request: ReleaseRequest): Promise<Released>;
  /**
   * Makes a lease last from now.
   * @throws {NotFoundError} KERUTA_ERR_SLOT_NOT_FOUND; {ConflictError} KERUTA_ERR_SLOT_IN_USE: the lease is not held any more
   */
  renew(request: { readonly id: string; readonly lease: string; readonly leaseMs?: number }): Promise<Slot>;
  /** Every slot, and what was kept; by repository and number. Changes nothing. */
  list(): Promise<PoolListing>;
}

/** Which repository, for whom, how long. */
export interface AllocateRequest {
  /** https, ssh, `user@host:path`; local ones when git allows them; may hold user-info */
  readonly url: string;
  /** who needs it, such as `task 12345678`; 1 to 200 characters, no control characters */
  readonly requiredBy: string;
  /** branch, tag, full name or commit id; default: the repository's own default branch */
  readonly ref?: string;
  /** local branch that stands in the slot's own `.git`; default: detached */
  readonly branch?: string | null;
  /** > 0; default 1 h; a holder that lives keeps its slot beyond that */
  readonly leaseMs?: number;
  /** whether the lease lasts as long as this process, and not only its time; default true */
  readonly isOurs?: boolean;
  /** lent for an https address without credentials of its own; default: those of the pool */
  readonly credentials?: RepositoryCredentials | null;
  /** wall time; default 10 min */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A slot that is held. */
export interface Slot {
  /** the same over all its leases: `<repository>-<hash>-<number>` */
  readonly id: string;
  /** names this lease; unguessable */
  readonly lease: string;
  /** root of the work tree; absolute */
  readonly path: string;
  /** bare; only for reading: mount it where the slot is mounted elsewhere, at the same path */
  readonly mirrorPath: string;
  /** without credentials */
  readonly repositoryUrl: string;
  readonly requiredBy: string;
  /** where it stood when it was handed out */
  readonly commit: string;
  readonly branch: string | null;
  /** epoch ms */
  readonly leaseUntil: number;
  /** whether it was handed out before to the same, and is as it was left */
  readonly isResumed: boolean;
  /** what was found in it and set aside before it was handed out */
  readonly kept: readonly Kept[];
}

/** @see RepositoryPool.release */
export interface ReleaseRequest {
  readonly id: string;
  /** of which lease; default: whichever there is */
  readonly lease?: string;
  /** takes it also from a process that is alive; default false */
  readonly force?: boolean;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** @see RepositoryPool.release */
export interface Released {
  readonly id: string;
  readonly wasFree: boolean;
  /** what was found in it and set aside */
  readonly kept: readonly Kept[];
}

/** Something that was left in a slot. */
export interface Kept {
  readonly slotId: string;
  /** in the mirror: `refs/keruta/kept/…`; null: a directory */
  readonly ref: string | null;
  /** the commit of the ref */
  readonly commit: string | null;
  /** the mirror, or the directory that was moved aside; absolute */
  readonly path: string;
  /** one phrase: `changes of the work tree`, `branch main` */
  readonly what: string;
}

/** @see RepositoryPool.list */
export interface PoolListing {
  readonly slots: readonly SlotStatus[];
  readonly kept: readonly Kept[];
}

/** How a slot is. */
export interface SlotStatus {
  readonly id: string;
  readonly path: string;
  readonly repositoryUrl: string;
  /** abandoned: its lease has run out, or whoever was busy with it died; the next one who needs a slot cleans it */
  readonly state: 'free' | 'leased' | 'busy' | 'abandoned';
  readonly requiredBy: string | null;
  /** pid of the holder, when it is alive */
  readonly pid: number | null;
  /** epoch ms; null when it is free */
  readonly leaseUntil: number | null;
  readonly commit: string | null;
}
