import { parseRepositoryUrl } from '../../pkg/git/repository-url.ts';
import { InputError } from '../domain/errors.ts';
import { wrapGitError } from '../domain/git-faults.ts';
import { allocate } from './allocate.ts';
import { refuseBranch } from './flow/branch-name.ts';
import { listPool } from './list.ts';
import { placeOfSlot, type SlotPlace } from './places.ts';
import type { AllocateRequest, RepositoryPool } from './pool.ts';
import { release } from './release.ts';
import { slotOf } from './slot-of.ts';
import { missing, prolong } from './take-slot.ts';
import { type PoolParts, within } from './work.ts';

const defaultTimeoutMs = 600_000;
/** A lease, unless told otherwise; ms. */
export const defaultLeaseMs = 3_600_000;
const maxRequiredByChars = 200;

/** Opens the pool of a directory. Touches nothing until it is asked; any number of processes may have it open. */
export function openPool(parts: PoolParts): RepositoryPool {
  const place = (id: string): SlotPlace => {
    const found = placeOfSlot(parts.directory, id);
    if (found === null) throw missing(id);
    return found;
  };
  const work = <T>(
    what: string,
    limits: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
    action: Parameters<typeof within<T>>[2],
  ): Promise<T> => {
    const { timeoutMs = parts.timeoutMs ?? defaultTimeoutMs, signal } = limits;
    return within(parts, { what, timeoutMs, signal }, action).catch((error: unknown) => {
      throw wrapGitError(error);
    });
  };
  return {
    allocate: (request) =>
      work('the allocation of a slot', request, (inner) => {
        check(request);
        const url = parseRepositoryUrl(request.url, { allowLocal: parts.git.parts.allowLocal });
        return allocate(inner, { ...request, url, leaseMs: request.leaseMs ?? defaultLeaseMs });
      }),
    release: (request) =>
      work('the release of a slot', request, (inner) =>
        release(inner, {
          place: place(request.id),
          lease: request.lease,
          force: request.force ?? false,
        }),
      ),
    renew: ({ id, lease, leaseMs = defaultLeaseMs }) =>
      work('the renewal of a lease', {}, async (inner) => {
        const at = place(id);
        return slotOf(at, await prolong(inner, { place: at, lease, leaseMs }), { isResumed: true, kept: [] });
      }),
    list: () => work('the list of slots', {}, listPool),
  };
}

function check({ requiredBy, branch, leaseMs }: AllocateRequest): void {
  const refuse = (message: string) => new InputError('KERUTA_ERR_BAD_VALUE', message);
  if (requiredBy === '' || requiredBy.length > maxRequiredByChars || /\p{Cc}/u.test(requiredBy))
    throw refuse(
      `Expected who needs the slot in 1 to ${maxRequiredByChars} characters of one line, got ${requiredBy.length}.`,
    );
  if (leaseMs !== undefined && !(leaseMs > 0))
    throw refuse(`Expected a lease of more than 0 ms, got ${leaseMs}.`);
  if (branch != null) refuseBranch(branch);
}
