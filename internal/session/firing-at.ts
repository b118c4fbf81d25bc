import type { Trigger, Workflow } from '../domain/workflow.ts';
import type { DueInstant } from '../trigger/decide-due.ts';
import { triggerTypes } from '../trigger/types.ts';
import type { Firing } from './fire.ts';
import { systemCaller } from './parts.ts';

/** A trigger as it fires at an instant of its time, on time. */
export function firingAt(what: {
  readonly trigger: Trigger;
  readonly workflow: Workflow;
  readonly instant: Pick<DueInstant, 'nominalAt' | 'effectiveAt'>;
  /** epoch ms */
  readonly now: number;
}): Firing {
  const { trigger, workflow, instant, now } = what;
  const { nominalAt, effectiveAt } = instant;
  const source = triggerTypes.get(trigger.type)?.source ?? 'cron';
  const about = { trigger, workflow, source, nominalAt, effectiveAt, now };
  return { ...about, key: instantKey(nominalAt), actor: systemCaller.actor, reason: 'due' };
}

/** The key of an instant's occurrence. @param nominalAt  epoch ms */
export function instantKey(nominalAt: number): string {
  return `at:${new Date(nominalAt).toISOString()}`;
}
