import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { parseRepositoryUrl } from '../../../pkg/git/repository-url.ts';
import type { SlotService } from '../services.ts';
import { askService, type Service, serviceError } from './ask-service.ts';

/** Options of {@link httpRepoPool}. */
export interface RepoPoolOptions {
  /** how long a slot is held without a word; ms, at most 30 days */
  readonly leaseMs: number;
}

/** A clone of a large repository takes its time; ms. */
const cloneMs = 15 * 60_000;
const longestLeaseMs = 30 * 86_400_000;

const slotShape = z.object({
  slot_id: z.string().min(1).max(1000),
  slot_path: z
    .string()
    .max(4096)
    .refine((path) => isAbsolute(path) && !path.includes('\0')),
  lease: z.string().max(1000).nullish(),
});

/**
 * A repository pool over HTTP, in the shapes of the agent's own: `POST /slots/allocate` with `repo_url`, `required_by` and
 * `lease_seconds` answers `slot_id`, `slot_path` (on a disk that both see) and, if it likes, `lease`; `POST /slots/release` takes `slot_id`
 * and that lease. The address of a repository goes out without user and password.
 */
export function httpRepoPool(service: Omit<Service, 'name'>, { leaseMs }: RepoPoolOptions): SlotService {
  const pool: Service = { ...service, name: 'repository pool' };
  const leases = new Map<string, string>();
  const leaseSeconds = Math.ceil(Math.min(leaseMs, longestLeaseMs) / 1000);
  return {
    allocate: async ({ repositoryUrl, requiredBy, signal }) => {
      const question = { method: 'POST', path: '/slots/allocate' } as const;
      const { url } = parseRepositoryUrl(repositoryUrl, { allowLocal: true });
      const json = { repo_url: url, required_by: requiredBy, lease_seconds: leaseSeconds };
      const answer = slotShape.safeParse(
        await askService(pool, { ...question, json, waitMs: cloneMs, signal }),
      );
      if (!answer.success)
        throw serviceError(pool, question, {
          words: 'expected slot_id and slot_path, an absolute path, in its answer; got something else',
        });
      const { slot_id: id, slot_path: path, lease } = answer.data;
      if (lease != null) leases.set(id, lease);
      return { id, path };
    },
    release: async (id) => {
      const lease = leases.get(id);
      const json = { slot_id: id, ...(lease === undefined ? {} : { lease }) };
      await askService(pool, { method: 'POST', path: '/slots/release', json });
      leases.delete(id);
    },
  };
}
