import type { SessionParts } from './parts.ts';
import { allHooks } from './webhook-table.ts';

/** Names of the variables of the server in which the secrets of its webhooks rest: nobody else's business. Ascending. */
export async function secretVariables(parts: SessionParts): Promise<readonly string[]> {
  const refs = (await allHooks(parts)).flatMap(({ webhook }) => webhook.secrets);
  return [...new Set(refs.flatMap((ref) => (ref.kind === 'variable' ? [ref.name] : [])))].sort();
}
