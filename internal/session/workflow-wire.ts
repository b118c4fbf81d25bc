/** Workflows and what fires them, as they are told to clients. */
import type {
  AppliedWire,
  HeldWire,
  HoldWire,
  OccurrenceWire,
  TriggerWire,
  WorkflowVersionWire,
  WorkflowWire,
} from '../api/workflow-shapes.ts';
import { type Hold, holdsOver } from '../domain/hold.ts';
import type { Occurrence, Trigger, Workflow } from '../domain/workflow.ts';
import type { WorkflowVersion } from '../store/workflow-store.ts';
import type { Applied } from './apply-workflow.ts';
import type { Held } from './holds.ts';
import { toInstant, toInstantOrNull } from './wire.ts';

/** A trigger on the wire. @param holds  all there are */
export function toTriggerWire(
  trigger: Trigger,
  workflow: Workflow,
  holds: readonly Hold[] = [],
): TriggerWire {
  const [hold] = holdsOver(holds, { trigger, workflow });
  return {
    id: trigger.id,
    workflow: workflow.name,
    name: trigger.name,
    type: trigger.type,
    spec: { ...trigger.definition.spec },
    enabled: trigger.enabled,
    pausedAt: toInstantOrNull(trigger.pausedAt),
    hold: hold === undefined ? null : toHoldWire(hold, nameOfHold(hold, { trigger, workflow })),
    nextAt: trigger.enabled && trigger.pausedAt === null ? toInstantOrNull(trigger.nextAt) : null,
  };
}

/** A workflow on the wire. */
export function toWorkflowWire(
  workflow: Workflow,
  triggers: readonly Trigger[],
  holds: readonly Hold[] = [],
): WorkflowWire {
  return {
    id: workflow.id,
    name: workflow.name,
    version: workflow.version,
    owner: workflow.owner,
    enabled: workflow.enabled,
    session: workflow.definition.session,
    definition: { ...workflow.definition },
    triggers: triggers.map((trigger) => toTriggerWire(trigger, workflow, holds)),
    createdAt: toInstant(workflow.createdAt),
    updatedAt: toInstant(workflow.updatedAt),
  };
}

/** What an apply did, on the wire. */
export function toAppliedWire(applied: Applied): AppliedWire {
  const { change, workflow, triggers, before, warnings } = applied;
  return {
    change,
    workflow: toWorkflowWire(workflow, triggers),
    before: before === null ? null : { ...before.definition },
    warnings: warnings.map(({ path, message }) => ({ path: [...path], message })),
  };
}

/** A version on the wire. */
export function toVersionWire({ version, definition, actor, at }: WorkflowVersion): WorkflowVersionWire {
  return { version, definition: { ...definition }, actor, at: toInstant(at) };
}

/** An occurrence on the wire. @param workflow  name of its workflow; `''` when that is gone */
export function toOccurrenceWire(occurrence: Occurrence, workflow: string): OccurrenceWire {
  const { workflowId: _, nominalAt, effectiveAt, decidedAt, details, ...rest } = occurrence;
  return {
    ...rest,
    workflow,
    nominalAt: toInstant(nominalAt),
    effectiveAt: toInstant(effectiveAt),
    decidedAt: toInstant(decidedAt),
    delayMs: decidedAt - effectiveAt,
    details: { ...details },
  };
}

/** A hold on the wire. @param name  of what it is about, for people */
export function toHoldWire({ scope, at, actor, reason }: Hold, name: string | null): HoldWire {
  return { scope, name, at: toInstant(at), by: actor, reason };
}

/** What people call that which is held. */
export function nameOfHold(
  { scope, name }: Pick<Hold, 'scope' | 'name'>,
  {
    trigger,
    workflow,
  }: { readonly trigger: Pick<Trigger, 'name'>; readonly workflow: Pick<Workflow, 'name'> },
): string | null {
  const names = { all: null, session: name, workflow: workflow.name };
  return scope === 'trigger' ? `${workflow.name}/${trigger.name}` : names[scope];
}

/** What became of a wide hold, on the wire. */
export function toHeldWire({ hold, name, triggers }: Held): HeldWire {
  return {
    hold: hold === null ? null : toHoldWire(hold, name),
    triggers: triggers.map(({ trigger, workflow }) => `${workflow.name}/${trigger.name}`),
  };
}
