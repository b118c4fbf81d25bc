import type { Approval } from '../domain/governance.ts';
import { approvalDefaults } from '../domain/policy.ts';
import type { Transaction } from '../store/store.ts';
import type { Firing } from './fire.ts';
import type { Judged } from './judge-run.ts';
import { announceApproval } from './notify/announce-waits.ts';
import type { SessionParts } from './parts.ts';
import { systemCaller } from './parts.ts';
import { sessionOfWorkflow } from './session-of-workflow.ts';

/** Asks for a yes to one run, bound to the version of its workflow and to its parameters. @returns what the row says of it */
export async function askApproval(
  tx: Transaction,
  parts: SessionParts,
  { firing, judged }: { readonly firing: Firing; readonly judged: Judged },
): Promise<Readonly<Record<string, unknown>>> {
  const { workflow, trigger, now } = firing;
  const { role, expiresMs } = judged.verdict.approval ?? approvalDefaults;
  const { definition } = workflow;
  const session =
    judged.session ?? (await sessionOfWorkflow(tx, { parts, caller: systemCaller, definition, now }));
  const approval: Approval = {
    ...{ id: parts.random.uuid7(now), workflowId: workflow.id, workflowVersion: workflow.version },
    ...{ triggerId: trigger.id, key: firing.key, sessionId: session.id, role },
    ...{ approved: firing.approved ?? [], parameters: firing.parameters ?? {}, state: 'asked' },
    ...{ actor: firing.actor, createdAt: now, expiresAt: now + expiresMs, decidedBy: null, decidedAt: null },
  };
  await tx.putApproval(approval);
  tx.notify('triggers');
  await announceApproval(tx, parts, { approval, workflow });
  const expiresAt = new Date(approval.expiresAt).toISOString();
  return { approvalId: approval.id, role, expiresAt };
}
