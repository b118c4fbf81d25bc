/** What people hold, so that nothing of it fires. */
import type { Trigger, Workflow } from './workflow.ts';

/** How much is held. */
export const holdScopes = ['all', 'session', 'workflow', 'trigger'] as const;
/** @see holdScopes */
export type HoldScope = (typeof holdScopes)[number];

/** Something that is held: triggers under it do not fire, those that are made later neither. */
export interface Hold {
  readonly scope: HoldScope;
  /** name of a session, id of a workflow or of a trigger; `''` for everything */
  readonly name: string;
  /** since when; epoch ms */
  readonly at: number;
  /** token id, or `system` */
  readonly actor: string;
  /** `''` when none was given */
  readonly reason: string;
}

/** The holds that a trigger is under, the widest first. */
export function holdsOver(
  holds: readonly Hold[],
  {
    trigger,
    workflow,
  }: { readonly trigger: Pick<Trigger, 'id'>; readonly workflow: Pick<Workflow, 'id' | 'definition'> },
): readonly Hold[] {
  const names: Readonly<Record<HoldScope, string>> = {
    ...{ all: '', session: workflow.definition.session, workflow: workflow.id, trigger: trigger.id },
  };
  return holdScopes.flatMap((scope) =>
    holds.filter((hold) => hold.scope === scope && hold.name === names[scope]),
  );
}
