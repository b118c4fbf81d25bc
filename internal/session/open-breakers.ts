import { strictestBreaker } from '../governance/strictest.ts';
import type { StoreFigures } from '../store/store.ts';
import type { SessionParts } from './parts.ts';
import { policiesOf } from './policies-of.ts';

/**
 * Names of the workflows whose breaker is open or half open, at most 200. One that no policy asks for any more, although it
 * was left open, is none.
 */
export async function openBreakers(
  parts: SessionParts,
  figures: Pick<StoreFigures, 'openBreakers'>,
): Promise<readonly string[]> {
  const { store } = parts;
  const asked: string[] = [];
  for (const name of figures.openBreakers) {
    const workflow = await store.workflowByName(name);
    if (workflow === null) continue;
    const session = await store.sessionByName(workflow.definition.session);
    const policies = await policiesOf(store, parts, { workflow, session });
    if (strictestBreaker(policies) !== null) asked.push(name);
  }
  return asked;
}
