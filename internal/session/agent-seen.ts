import type { Agent } from '../domain/records.ts';
import type { Store, Transaction } from '../store/store.ts';

/** How often the row of an agent is written although nothing but the time changed; ms. */
export const agentSeenEveryMs = 5_000;

const written = new WeakMap<Store, Map<string, { at: number; taskId: string | null }>>();

/** What an agent lets be known about itself by calling. */
export interface Sighting {
  readonly agentId: string;
  readonly sessionId: string;
  /** the task it works on; null = idle */
  readonly taskId: string | null;
  readonly about?:
    | { readonly hostname: string; readonly version: string; readonly labels?: readonly string[] | undefined }
    | undefined;
  /** epoch ms */
  readonly now: number;
}

/**
 * Whether the row of an agent needs writing: its task changed, or it is older than `agentSeenEveryMs`. The answer is
 * this process's own memory; another replica may write once more, which does no harm.
 */
export function isNews(store: Store, sighting: Sighting): boolean {
  const last = written.get(store)?.get(sighting.agentId);
  if (!last || last.taskId !== sighting.taskId) return true;
  return Math.abs(sighting.now - last.at) >= agentSeenEveryMs;
}

/** Writes the row of an agent; what it did not say this time is kept. */
export async function putSighting(tx: Transaction, sighting: Sighting): Promise<void> {
  const before = (await tx.agents()).find((agent) => agent.id === sighting.agentId);
  const agent: Agent = {
    id: sighting.agentId,
    sessionId: sighting.sessionId,
    hostname: sighting.about?.hostname ?? before?.hostname ?? '',
    version: sighting.about?.version ?? before?.version ?? '',
    // who says who it is and names none has none any more
    labels: sighting.about === undefined ? (before?.labels ?? []) : (sighting.about.labels ?? []),
    taskId: sighting.taskId,
    firstSeenAt: before?.firstSeenAt ?? sighting.now,
    lastSeenAt: sighting.now,
  };
  await tx.putAgent(agent);
}

/** Remembers that the row was written; called after the commit. */
export function noteSighting(store: Store, sighting: Sighting): void {
  let agents = written.get(store);
  if (!agents) {
    agents = new Map();
    written.set(store, agents);
  }
  agents.set(sighting.agentId, { at: sighting.now, taskId: sighting.taskId });
}

/** Writes the row of an agent when it is news, in a transaction of its own. */
export async function seeAgent(store: Store, sighting: Sighting): Promise<void> {
  if (!isNews(store, sighting)) return;
  await store.transact((tx) => putSighting(tx, sighting));
  noteSighting(store, sighting);
}
