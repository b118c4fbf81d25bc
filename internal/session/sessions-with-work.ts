import type { SessionParts } from './parts.ts';

/** How many are asked for at a time. */
const perQuestion = 1000;

/** Those of some sessions in which an agent has something to do: a task waits whose time has come, or one is LOST. */
export async function sessionsWithWork(
  { store }: Pick<SessionParts, 'store'>,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const now = await store.now();
  const found = new Set<string>();
  for (let from = 0; from < ids.length; from += perQuestion)
    for (const id of await store.sessionsWithWork(ids.slice(from, from + perQuestion), now)) found.add(id);
  return found;
}
