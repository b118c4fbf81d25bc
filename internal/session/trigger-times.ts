/** Where a trigger stands in time: what its type's rule makes of its definition. */
import type { CatchUp, Trigger, TriggerDefinition, WorkflowDefinition } from '../domain/workflow.ts';
import { type DueState, firstOf } from '../trigger/decide-due.ts';
import type { Schedule, ScheduleContext } from '../trigger/trigger-type.ts';
import { restsFromEnd } from '../trigger/types/interval.ts';
import { triggerTypes } from '../trigger/types.ts';

/** What an instant of a rule is computed with: version of the time zone data of this program, and the rule's zone. */
export function zoneDataOf(schedule: Schedule | null): string {
  const version = process.versions.tz ?? '';
  return schedule === null ? version : `${version} ${schedule.zone}`;
}

/** The rule of time of a trigger; null when its type has none. @throws {InputError} for a spec that its type refuses */
export function scheduleOf(definition: TriggerDefinition, context: ScheduleContext): Schedule | null {
  const type = triggerTypes.get(definition.type);
  if (type?.schedule === undefined) return null;
  return type.schedule(type.spec.parse(definition.spec), context);
}

/** How a trigger begins, or begins anew, at an instant: nothing before it is due. */
export function startOf(
  definition: TriggerDefinition,
  context: ScheduleContext & { readonly now: number },
): Pick<Trigger, 'cursor' | 'nextAt' | 'zoneData'> {
  const schedule = scheduleOf(definition, context);
  const zoneData = zoneDataOf(schedule);
  if (schedule === null) return { cursor: null, nextAt: null, zoneData };
  const { spreadMs, startAt, endAt } = definition;
  const first = firstOf({ schedule, spreadMs, startAt, endAt, triggerId: context.triggerId }, context.now);
  return { cursor: context.now, nextAt: first?.effectiveAt ?? null, zoneData };
}

/** What is needed to decide the instants of a trigger that have passed; null when it does not fall due by time. */
export function dueStateOf(
  trigger: Trigger,
  about: { readonly workflow: WorkflowDefinition; readonly zone: string; readonly now: number },
): DueState | null {
  const { definition } = trigger;
  // the end of its last run is the last instant that counts
  const anchorMs = (restsFromEnd(definition) ? trigger.cursor : null) ?? trigger.createdAt;
  const context = { triggerId: trigger.id, zone: about.zone, anchorMs };
  const schedule = scheduleOf(definition, context);
  if (schedule === null || trigger.cursor === null) return null;
  const { spreadMs, startAt, endAt } = definition;
  const catchUp: CatchUp = definition.catchUp ?? about.workflow.catchUp;
  const { cursor, id: triggerId } = trigger;
  return { triggerId, schedule, cursor, now: about.now, catchUp, spreadMs, startAt, endAt };
}
