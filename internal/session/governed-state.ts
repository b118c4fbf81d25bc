import type { Workflow } from '../domain/workflow.ts';
import { type BreakerNow, breakerNow, type LimitLeft, limitsLeft } from '../governance/limits-left.ts';
import type { SessionParts } from './parts.ts';
import { policiesOf } from './policies-of.ts';
import { readHistory } from './run-history.ts';

/** What the policies of a workflow leave it, and how its breaker stands. */
export interface GovernedState {
  readonly limits: readonly LimitLeft[];
  /** null when it has none */
  readonly breaker: BreakerNow | null;
}

/** Looks at what policies leave a workflow, without holding anybody up. @throws {UnavailableError} KERUTA_ERR_GOVERNANCE_UNAVAILABLE */
export async function governedState(
  parts: SessionParts,
  { workflow, now }: { readonly workflow: Workflow; readonly now: number },
): Promise<GovernedState> {
  const { store } = parts;
  const session = await store.sessionByName(workflow.definition.session);
  const policies = await policiesOf(store, parts, { workflow, session });
  if (policies.length === 0) return { limits: [], breaker: null };
  const about = { policies, workflowId: workflow.id, sessionId: session?.id ?? null, now };
  const { history } = await readHistory(store, about);
  return {
    limits: limitsLeft(policies, { history, now }),
    breaker: breakerNow(policies, { before: history.breaker, now }),
  };
}
