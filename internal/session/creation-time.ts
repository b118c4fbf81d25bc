import type { Store } from '../store/store.ts';

/** So far ahead of the clock at most; ms. More tasks at once than that are in no certain order. */
const maxAheadMs = 1_000;
/** Sessions that are remembered: nobody makes tasks in more of them within one ms. */
const maxSessions = 1_000;

/** By store: when the newest task of a session was made by this process; epoch ms. */
const newest = new WeakMap<Store, Map<string, number>>();

/**
 * When a new task counts as made. No two of a session have the same ms, so that they run in the order in which they came. Ids
 * cannot tell it: people and branches go by the first characters of an id, which have to differ.
 * @param now  of the store; epoch ms
 * @returns epoch ms; now, or up to a second after it
 */
export function creationTime(store: Store, sessionId: string, now: number): number {
  const sessions = newest.get(store) ?? new Map<string, number>();
  const last = sessions.get(sessionId) ?? 0;
  const at = last >= now && last < now + maxAheadMs ? last + 1 : now;
  if (sessions.size >= maxSessions) sessions.clear();
  newest.set(store, sessions.set(sessionId, at));
  return at;
}
