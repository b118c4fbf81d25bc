import { claimingSource } from './claiming-source.ts';
import { plainSource } from './plain-source.ts';
import type { Ability, TaskSource } from './task-source.ts';

type ClaimingParts = Parameters<typeof claimingSource>[0];
type PlainParts = Parameters<typeof plainSource>[0];

/** What either source works with; see there. */
export type TaskSourceParts = Omit<ClaimingParts, 'sessionId' | 'abilities'> &
  PlainParts & { readonly abilities: ReadonlySet<Ability> };

/**
 * Makes the source that fits the server.
 * @param parts.abilities from `detectAbilities`
 * @throws {InputError} KERUTA_ERR_CONFIG_MISSING when neither session nor workspace is given
 */
export function makeTaskSource(parts: TaskSourceParts): TaskSource {
  const { sessionId } = parts;
  if (sessionId !== null && parts.abilities.has('claim')) return claimingSource({ ...parts, sessionId });
  return plainSource(parts);
}
