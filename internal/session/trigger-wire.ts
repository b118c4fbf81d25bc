/** How triggers are, as it is told to clients. */
import type { DeployedWire, DeploymentWire } from '../api/deployment-shapes.ts';
import type { AskedWire, BackfilledWire, TriggerStatusWire } from '../api/trigger-shapes.ts';
import type { WebhookTestedWire } from '../api/workflow-shapes.ts';
import type { Trigger, Workflow } from '../domain/workflow.ts';
import type { Applied } from './apply-workflow.ts';
import type { Backfilled } from './backfill.ts';
import type { Asked } from './fire-confirm.ts';
import type { GovernedState } from './governed-state.ts';
import type { TestedWebhook } from './test-webhook.ts';
import type { TriggerStatus } from './trigger-status.ts';
import { toInstant, toInstantOrNull } from './wire.ts';
import { nameOfHold, toHoldWire } from './workflow-wire.ts';

/** The status of a trigger on the wire, with what policies leave its workflow. */
export function toStatusWire(status: TriggerStatus, { limits, breaker }: GovernedState): TriggerStatusWire {
  const { trigger, workflow, state, zone, next, hold, stats, why, fallingBehind, isOverdue } = status;
  const { checks, ...runs } = stats;
  return {
    ...{ workflow: workflow.name, trigger: trigger.name, triggerId: trigger.id, type: trigger.type },
    ...{ enabled: trigger.enabled, state, pausedAt: toInstantOrNull(trigger.pausedAt), zone, why },
    next: next.map(({ at, local }) => ({ at: toInstant(at), local })),
    lastRun: lastRunOf(status),
    hold: hold === null ? null : toHoldWire(hold, nameOfHold(hold, status)),
    runs: { ...runs, checks: checks.map((check) => ({ ...check })) },
    lastSkip: lastSkipOf(status),
    fallingBehind: fallingBehind === null ? null : { ...fallingBehind },
    overdue: isOverdue,
    limits: limits.map((limit) => ({ ...limit })),
    breaker: breaker === null ? null : { ...breaker, openUntil: toInstantOrNull(breaker.openUntil) },
  };
}

function lastRunOf({ lastRun }: TriggerStatus): TriggerStatusWire['lastRun'] {
  if (lastRun === null) return null;
  const { occurrence, task } = lastRun;
  const [began, ended] = [task?.startedAt ?? null, task?.finishedAt ?? null];
  return {
    at: toInstant(occurrence.decidedAt),
    nominalAt: toInstant(occurrence.nominalAt),
    taskId: occurrence.taskId,
    status: task?.status ?? null,
    durationMs: began === null || ended === null ? null : ended - began,
  };
}

function lastSkipOf({ lastSkip }: TriggerStatus): TriggerStatusWire['lastSkip'] {
  if (lastSkip === null) return null;
  const { decidedAt, reason, details } = lastSkip;
  return { at: toInstant(decidedAt), reason, details: { ...details } };
}

/** What a webhook was tried out for, on the wire. @param isRun  whether the tasks are there */
export function toTestedWire({ outcome, ...rest }: TestedWebhook, isRun: boolean): WebhookTestedWire {
  const about = { ...rest, headers: { ...rest.headers }, parameters: { ...rest.parameters } };
  const none = { code: null, message: null, answer: null, triggers: [] };
  switch (outcome.status) {
    case 'greeting':
      return { ...about, ...none, ...outcome, answer: { ...outcome.answer } };
    case 'refused':
      return { ...about, ...none, ...outcome };
    case 'fired': {
      const triggers = outcome.to.map(({ workflow, trigger, status, reason, taskId }) => ({
        ...{ workflow, trigger, status, reason },
        taskId: isRun ? taskId : null,
      }));
      return { ...about, ...none, status: 'fired', triggers };
    }
  }
}

/** A backfill on the wire. */
export function toBackfilledWire(done: Backfilled, dryRun: boolean): BackfilledWire {
  const { id, workflow, trigger, instants } = done;
  const count = (...states: readonly string[]) =>
    instants.filter(({ state }) => states.includes(state)).length;
  return {
    ...{ id, workflow: workflow.name, trigger: trigger.name, dryRun },
    ...{ run: count('run'), ran: count('ran'), left: count('left', 'refused') },
    instants: instants.map(({ nominalAt, ...rest }) => ({ nominalAt: toInstant(nominalAt), ...rest })),
  };
}

/** A token for a fire, on the wire: the only time that it is told. */
export function toAskedWire({ token, trigger, expiresAt }: Asked): AskedWire {
  return { confirmation: token, expiresAt: toInstant(expiresAt), trigger: trigger.name };
}

/** A workflow as a deployment, on the wire. */
export function toDeploymentWire(workflow: Workflow, triggers: readonly Trigger[]): DeploymentWire {
  const { id, name, enabled, version, owner, createdAt, updatedAt } = workflow;
  return {
    ...{ workflowId: id, name, status: enabled ? 'deployed' : 'undeployed', version, owner },
    triggers: triggers.map((trigger) => trigger.name),
    deployedAt: toInstant(createdAt),
    updatedAt: toInstant(updatedAt),
  };
}

/** What a deploy did, on the wire. */
export function toDeployedWire({ workflow, triggers, change, warnings }: Applied): DeployedWire {
  const told = warnings.map(({ path, message }) => ({ path: [...path], message }));
  return { ...toDeploymentWire(workflow, triggers), change, warnings: told };
}
