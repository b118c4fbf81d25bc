import { formatUuid7 } from '../../pkg/random/random.ts';
import type { SessionParts } from './parts.ts';

/** How long the data of events stay; their occurrences stay for ever, so that a delivery is known however late it comes. ms */
export const eventsKeptMs = 30 * 86_400_000;

/** So many go in one transaction: others want to write too. */
const maxAtOnce = 200;

/**
 * Removes the data of events that are older than `eventsKeptMs`; a task that has waited so long finds its event without them.
 * @returns how many went
 */
export async function forgetEvents(
  { store }: Pick<SessionParts, 'store'>,
  signal: AbortSignal,
): Promise<number> {
  const before = formatUuid7(Math.max(0, (await store.now()) - eventsKeptMs), new Uint8Array(10));
  for (let gone = 0; ; ) {
    const count = await store.transact((tx) => tx.deleteTriggerEvents(before, maxAtOnce));
    gone += count;
    if (count < maxAtOnce || signal.aborted) return gone;
  }
}
