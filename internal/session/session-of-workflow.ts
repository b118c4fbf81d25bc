import type { Session } from '../domain/session.ts';
import type { WorkflowDefinition } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { createSessionIn } from './create-session.ts';
import type { Caller, SessionParts } from './parts.ts';

/** The session that a workflow names; made when there is none, with the workflow's repository. */
export async function sessionOfWorkflow(
  tx: Transaction,
  wish: {
    readonly parts: SessionParts;
    readonly caller: Caller;
    readonly definition: WorkflowDefinition;
    /** epoch ms */
    readonly now: number;
  },
): Promise<Session> {
  const { parts, caller, definition, now } = wish;
  const known = await tx.sessionByName(definition.session);
  if (known !== null) return known;
  const { url = null, ref = null } = definition.repository ?? {};
  const session = { name: definition.session, repositoryUrl: url, repositoryRef: ref };
  return createSessionIn(tx, { parts, caller, wish: session, now });
}
