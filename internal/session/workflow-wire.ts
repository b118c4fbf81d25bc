/** Workflows and what fires them, as they are told to clients. */
import type {
  AppliedWire,
  OccurrenceWire,
  TriggerWire,
  WorkflowVersionWire,
  WorkflowWire,
} from '../api/workflow-shapes.ts';
import type { Occurrence, Trigger, Workflow } from '../domain/workflow.ts';
import type { WorkflowVersion } from '../store/workflow-store.ts';
import type { Applied } from './apply-workflow.ts';
import { toInstant, toInstantOrNull } from './wire.ts';

/** A trigger on the wire. @param workflow  name of the workflow that it belongs to */
export function toTriggerWire(trigger: Trigger, workflow: string): TriggerWire {
  return {
    id: trigger.id,
    workflow,
    name: trigger.name,
    type: trigger.type,
    spec: { ...trigger.definition.spec },
    enabled: trigger.enabled,
    pausedAt: toInstantOrNull(trigger.pausedAt),
    nextAt: trigger.enabled && trigger.pausedAt === null ? toInstantOrNull(trigger.nextAt) : null,
  };
}

/** A workflow on the wire. */
export function toWorkflowWire(workflow: Workflow, triggers: readonly Trigger[]): WorkflowWire {
  return {
    id: workflow.id,
    name: workflow.name,
    version: workflow.version,
    owner: workflow.owner,
    enabled: workflow.enabled,
    session: workflow.definition.session,
    definition: { ...workflow.definition },
    triggers: triggers.map((trigger) => toTriggerWire(trigger, workflow.name)),
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
