/** Which agent of a session watches files: one at a time, so that what two of them see does not fire twice. */
import type { WatcherAnswer } from '../api/watch-shapes.ts';
import type { Reads } from '../store/store.ts';
import { visibleSession } from './authorize.ts';
import { watchesOf } from './file-events.ts';
import type { Caller, SessionParts } from './parts.ts';

/** An agent that has not asked for so long makes room for another one; ms. */
export const watcherLeaseMs = 30_000;

interface Watcher {
  readonly agentId: string;
  /** `store.now()`; epoch ms */
  readonly until: number;
}

const watcherName = (sessionId: string) => `watcher:${sessionId}`;

/**
 * Tells an agent what to watch, unless another one watches already. To be asked again well within `watcherLeaseMs`.
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND
 */
export async function claimWatches(
  parts: Pick<SessionParts, 'store'>,
  wish: { readonly caller: Caller; readonly sessionId: string; readonly agentId: string },
): Promise<WatcherAnswer> {
  const { store } = parts;
  const { id } = await visibleSession(store, wish.caller, wish.sessionId);
  const watches = await watchesOf(parts, { caller: wish.caller, sessionId: id });
  if (watches.length === 0) return { watches, heldBy: null };
  const now = await store.now();
  const known = await watcherOf(store, id);
  const isFresh = known !== null && known.until - now > watcherLeaseMs / 2;
  if (isFresh && known.agentId === wish.agentId) return { watches, heldBy: null };
  if (known !== null && known.until > now && known.agentId !== wish.agentId)
    return { watches: [], heldBy: known.agentId };
  const holder = await store.transact(async (tx) => {
    await tx.lockSession(id);
    const other = await watcherOf(tx, id);
    if (other !== null && other.until > now && other.agentId !== wish.agentId) return other.agentId;
    const mine: Watcher = { agentId: wish.agentId, until: now + watcherLeaseMs };
    await tx.putMeta(watcherName(id), JSON.stringify(mine));
    return wish.agentId;
  });
  return holder === wish.agentId ? { watches, heldBy: null } : { watches: [], heldBy: holder };
}

async function watcherOf(reads: Reads, sessionId: string): Promise<Watcher | null> {
  const text = await reads.meta(watcherName(sessionId));
  return text ? (JSON.parse(text) as Watcher) : null;
}
