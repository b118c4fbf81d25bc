/** Routes of the agent's own API by which other programs of the machine are handed slots of repositories. */
import { z } from 'zod';
import type { LocalAnswer, LocalRoute } from '../../pkg/local-http/local-http.ts';
import type { Log } from '../../pkg/log/log.ts';
import { httpStatusOf, KerutaError } from '../domain/errors.ts';
import type { Kept, RepositoryPool, Slot, SlotStatus } from '../pool/pool.ts';
import { refuseForeign } from './allowed-repositories.ts';

/** What the routes work with. */
export interface SlotRouteParts {
  /** opened when somebody asks */
  readonly pool: () => Promise<RepositoryPool>;
  /** prefixes of addresses; null = any */
  readonly allowedRepositories: readonly string[] | null;
  readonly log: Log;
}

const leaseSeconds = z
  .number()
  .positive()
  .max(30 * 86_400)
  .optional();

const allocateBody = z.object({
  repo_url: z.string(),
  required_by: z.string(),
  ref: z.string().optional(),
  branch: z.string().nullish(),
  lease_seconds: leaseSeconds,
});

const releaseBody = z.object({
  slot_id: z.string(),
  lease: z.string().optional(),
  force: z.boolean().optional(),
});

const renewBody = z.object({ slot_id: z.string(), lease: z.string(), lease_seconds: leaseSeconds });

/**
 * `GET /slots`, `POST /slots/allocate`, `/slots/release` and `/slots/renew`. A slot that is handed out here is held by its
 * lease alone: who asked is another process, here or in a container.
 */
export function slotRoutes(parts: SlotRouteParts): readonly LocalRoute[] {
  const post = <B>(
    path: string,
    body: z.ZodType<B>,
    answer: (pool: RepositoryPool, body: B) => Promise<unknown>,
  ) => ({
    method: 'POST' as const,
    path,
    answer: async (given: unknown): Promise<LocalAnswer> => {
      const parsed = body.safeParse(given);
      if (parsed.success) return answered(parts, async () => answer(await parts.pool(), parsed.data));
      const [issue] = parsed.error.issues;
      const where = issue?.path.join('.') ?? '';
      return {
        status: 400,
        json: { error: `${where === '' ? 'the body' : where}: ${issue?.message ?? 'not understood'}` },
      };
    },
  });
  return [
    { method: 'GET', path: '/slots', answer: () => answered(parts, async () => list(await parts.pool())) },
    post('/slots/allocate', allocateBody, (pool, body) => allocate(parts, pool, body)),
    post('/slots/release', releaseBody, async (pool, { slot_id: id, lease, force }) => {
      const released = await pool.release({
        id,
        ...(lease === undefined ? {} : { lease }),
        ...(force === undefined ? {} : { force }),
      });
      return { slot_id: id, was_free: released.wasFree, kept: released.kept.map(keptBody) };
    }),
    post('/slots/renew', renewBody, async (pool, { slot_id: id, lease, lease_seconds: seconds }) =>
      slotBody(await pool.renew({ id, lease, ...leaseOf(seconds) })),
    ),
  ];
}

async function allocate(
  { allowedRepositories }: SlotRouteParts,
  pool: RepositoryPool,
  body: z.output<typeof allocateBody>,
): Promise<unknown> {
  const { repo_url: url, required_by: requiredBy, ref, branch = null, lease_seconds: seconds } = body;
  refuseForeign(url, allowedRepositories);
  const wanted = { url, requiredBy, branch, isOurs: false, ...(ref === undefined ? {} : { ref }) };
  return slotBody(await pool.allocate({ ...wanted, ...leaseOf(seconds) }));
}

const leaseOf = (seconds: number | undefined) => (seconds === undefined ? {} : { leaseMs: seconds * 1000 });

async function list(pool: RepositoryPool): Promise<unknown> {
  const { slots, kept } = await pool.list();
  return { slots: slots.map(statusBody), kept: kept.map(keptBody) };
}

function slotBody(slot: Slot): Record<string, unknown> {
  return {
    slot_id: slot.id,
    slot_path: slot.path,
    repo_url: slot.repositoryUrl,
    required_by: slot.requiredBy,
    commit: slot.commit,
    branch: slot.branch,
    lease: slot.lease,
    lease_until: new Date(slot.leaseUntil).toISOString(),
    mirror_path: slot.mirrorPath,
    resumed: slot.isResumed,
    kept: slot.kept.map(keptBody),
  };
}

function statusBody(slot: SlotStatus): Record<string, unknown> {
  return {
    slot_id: slot.id,
    slot_path: slot.path,
    repo_url: slot.repositoryUrl,
    state: slot.state,
    required_by: slot.requiredBy,
    pid: slot.pid,
    lease_until: slot.leaseUntil === null ? null : new Date(slot.leaseUntil).toISOString(),
    commit: slot.commit,
  };
}

function keptBody({ slotId, ref, commit, path, what }: Kept): Record<string, unknown> {
  return { slot_id: slotId, ref, commit, path, what };
}

async function answered({ log }: SlotRouteParts, action: () => Promise<unknown>): Promise<LocalAnswer> {
  try {
    return { status: 200, json: await action() };
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    log.warn('a slot could not be handed out or taken back', { error: error.message, code: error.code });
    return { status: httpStatusOf(error), json: { error: error.message, code: error.code } };
  }
}
