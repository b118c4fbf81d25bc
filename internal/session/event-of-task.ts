/** What fired a task, as the task gets to know it. */
import type { TaskEventWire } from '../api/workflow-shapes.ts';
import { NotFoundError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Occurrence } from '../domain/workflow.ts';
import type { Reads } from '../store/store.ts';
import type { SessionParts } from './parts.ts';
import { traceparentOf } from './watch/task-traces.ts';
import { toInstant } from './wire.ts';

/** How a trigger that is gone is told of. */
const gone = { name: '', type: '' };

/**
 * The occurrence that made a task, with its event.
 * @throws {NotFoundError} KERUTA_ERR_EVENT_NOT_FOUND when no trigger made it
 */
export async function eventOfTask(reads: Reads, task: Task): Promise<TaskEventWire> {
  const occurrence = await occurrenceOf(reads, task);
  const { workflow, trigger, focus } = await originOf(reads, occurrence);
  const event = occurrence.eventId === null ? null : await reads.triggerEvent(occurrence.eventId);
  return {
    id: event?.id ?? null,
    kind: event?.kind ?? '',
    source: occurrence.source,
    workflow,
    workflowVersion: occurrence.workflowVersion,
    focus: [...focus],
    trigger: { id: occurrence.triggerId, ...trigger },
    occurrenceId: occurrence.id,
    nominalAt: toInstant(occurrence.nominalAt),
    effectiveAt: toInstant(occurrence.effectiveAt),
    at: toInstant(event?.at ?? occurrence.decidedAt),
    data: event === null ? null : { ...event.data },
  };
}

/** The occurrence that made a task. @throws {NotFoundError} KERUTA_ERR_EVENT_NOT_FOUND when no trigger made it */
export async function occurrenceOf(reads: Reads, task: Task): Promise<Occurrence> {
  const occurrence = task.triggerId === null ? null : await reads.occurrenceOfTask(task.id);
  if (occurrence !== null) return occurrence;
  throw new NotFoundError('KERUTA_ERR_EVENT_NOT_FOUND', `Task ${task.id} was not fired by a trigger.`);
}

/** The variables that tell a task its trace, and what fired it; of the latter none for a task that no trigger made. */
export async function environmentOfTask(
  { store: reads, isTraced = false }: Pick<SessionParts, 'store' | 'isTraced'>,
  task: Task,
): Promise<Readonly<Record<string, string>>> {
  const occurrence = task.triggerId === null ? null : await reads.occurrenceOfTask(task.id);
  const traceparent = traceparentOf(task, occurrence, isTraced);
  const trace = traceparent === null ? {} : { TRACEPARENT: traceparent };
  if (occurrence === null) return trace;
  const { workflow, trigger, focus } = await originOf(reads, occurrence);
  const { kind } = occurrence.details;
  return {
    ...trace,
    KERUTA_WORKFLOW: workflow,
    KERUTA_FOCUS: focus.join(','),
    KERUTA_TRIGGER: trigger.name,
    KERUTA_TRIGGER_TYPE: trigger.type || occurrence.source,
    KERUTA_NOMINAL_AT: toInstant(occurrence.nominalAt),
    KERUTA_EVENT_KIND: typeof kind === 'string' ? kind : '',
  };
}

/** The focus is that of the version which made the task: a change of the workflow is for later ones. */
async function originOf(reads: Reads, { workflowId, workflowVersion, triggerId }: Occurrence) {
  const workflow = await reads.workflow(workflowId);
  const version = await reads.workflowVersion(workflowId, workflowVersion);
  const trigger = await reads.trigger(triggerId);
  const { name, type } = trigger ?? gone;
  return {
    workflow: workflow?.name ?? '',
    trigger: { name, type },
    focus: version?.definition.focus ?? [],
  };
}
