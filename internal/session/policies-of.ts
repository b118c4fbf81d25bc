import type { Policy, ScopedPolicy } from '../domain/policy.ts';
import type { Session } from '../domain/session.ts';
import type { Workflow } from '../domain/workflow.ts';
import { withDefaults } from '../governance/with-defaults.ts';
import type { Reads } from '../store/store.ts';
import { zoneOf } from './apply-workflow.ts';
import type { SessionParts } from './parts.ts';

/** Where the policy over everything is kept. */
export const globalPlace = 'global';
/** Where the policy of a session is kept. */
export const sessionPlace = (id: string) => `session:${id}`;

/** The policies that hold for a workflow: its own, that of its session, and the one over everything; none = no limits. */
export async function policiesOf(
  reads: Reads,
  parts: SessionParts,
  of: { readonly workflow: Workflow; readonly session: Session | null },
): Promise<readonly ScopedPolicy[]> {
  const { workflow, session } = of;
  const places = [globalPlace, ...(session === null ? [] : [sessionPlace(session.id)])];
  const stored = new Map((await reads.policies(places)).map(({ place, policy }) => [place, policy]));
  const at = (scope: ScopedPolicy['scope'], id: string, policy: Policy | null | undefined) =>
    policy
      ? [
          {
            scope,
            id,
            policy,
            zone: policy.timezone ?? zoneFor(parts, scope === 'workflow' ? workflow : null),
          },
        ]
      : [];
  return [
    ...at('workflow', workflow.id, withDefaults(workflow.definition.policy, parts.policyDefaults ?? null)),
    ...at('session', session?.id ?? '', session === null ? null : stored.get(sessionPlace(session.id))),
    ...at('global', '', stored.get(globalPlace)),
  ];
}

/** The zone of the first trigger that has one, so that a workflow has one day; else the server's. */
function zoneFor(parts: SessionParts, workflow: Workflow | null): string {
  for (const { spec } of workflow?.definition.triggers ?? []) {
    const { timezone } = spec as { readonly timezone?: unknown };
    if (typeof timezone === 'string') return timezone;
  }
  return zoneOf(parts);
}

/** Makes everybody who counts for the same policies wait: a rule that is checked then still holds at the commit. */
export async function lockPolicies(
  tx: { lockSession(name: string): Promise<void> },
  policies: readonly ScopedPolicy[],
  workflowId: string,
): Promise<void> {
  // always in the same order, so that nobody waits for who waits for them
  await tx.lockSession(`policy workflow ${workflowId}`);
  for (const { scope, id } of policies)
    if (scope !== 'workflow') await tx.lockSession(`policy ${scope} ${id}`);
}
