import { createHash } from 'node:crypto';
import { ConflictError } from '../domain/errors.ts';
import type { Transaction } from '../store/store.ts';
import type { Caller } from './parts.ts';

/** So long a request is known again: longer than anybody tries. ms */
export const keysKeptMs = 30 * 86_400_000;

/** A request that may come again because its answer was lost. */
export interface KeyedRequest {
  readonly caller: Caller;
  /** what is done, and to what: the same key for another act is another key */
  readonly act: string;
  /** chosen by the client; undefined = each request is a new one */
  readonly key: string | undefined;
  /** what is asked for: the same key comes with the same wish */
  readonly wish: unknown;
  /** by the store; epoch ms */
  readonly now: number;
}

/** What a request does, and what its repetition answers. */
export interface Once<T> {
  readonly first: () => Promise<T>;
  /** @param id of what the first one returned */
  readonly again: (id: string) => Promise<T>;
}

/**
 * Does something once under a key, inside a transaction. Keys of callers that are bound to a session live apart from
 * those of others. A key is kept for `keysKeptMs`, as a hash.
 * @throws {ConflictError} KERUTA_ERR_IDEMPOTENCY when the key came with another wish before
 */
export async function oncePerKey<T extends { readonly id: string }>(
  tx: Transaction,
  request: KeyedRequest,
  { first, again }: Once<T>,
): Promise<T> {
  const { caller, act, key, wish, now } = request;
  if (key === undefined) return first();
  const name = `once:${fingerprintOf([act, caller.sessionId, key])}`;
  // two that come at the same time would both find nothing
  await tx.lockSession(name);
  const kept = await tx.meta(name);
  const fingerprint = fingerprintOf(wish);
  if (kept === null) {
    const made = await first();
    await tx.putMeta(name, JSON.stringify({ id: made.id, fingerprint }), { forgetAt: now + keysKeptMs });
    return made;
  }
  const known = JSON.parse(kept) as { readonly id: string; readonly fingerprint: string };
  if (known.fingerprint === fingerprint) return again(known.id);
  throw new ConflictError(
    'KERUTA_ERR_IDEMPOTENCY',
    `The idempotency key was used before, for ${known.id}, which was asked for in other words; use a new key.`,
    { details: { id: known.id } },
  );
}

/** The same for equal wishes, whatever the order of their fields; SHA-256, lower-case hex. */
export function fingerprintOf(wish: unknown): string {
  const sorted = JSON.stringify(wish, (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(sorted).digest('hex');
}
