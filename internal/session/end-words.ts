import type { Task } from '../domain/task.ts';
import type { Occurrence, TriggerEvent } from '../domain/workflow.ts';
import { toInstant } from './wire.ts';

/** An event that is larger as JSON is not handed on among parameters; UTF-16 units. It can be read by its id. */
const maxEventLength = 65_536;

/** How a task came to be: the occurrence that made it, and what was behind that. */
export interface Origin {
  readonly occurrence: Occurrence;
  /** null when that is gone */
  readonly workflow: string | null;
  readonly event: TriggerEvent | null;
}

/** What a task that follows another one gets to know of it, as parameters. @param origin null = made by hand */
export function endWordsOf(task: Task, origin: Origin | null): Readonly<Record<string, unknown>> {
  const { message, exitCode, signal, reason, attempt: attempts } = task;
  const what =
    task.status === 'COMPLETED'
      ? { result: { message, exitCode, attempts, durationMs: task.usage?.durationMs ?? null } }
      : { error: { code: task.errorCode, message, exitCode, signal, reason, attempts } };
  return {
    taskId: task.id,
    taskName: task.name,
    taskStatus: task.status,
    workflow: origin?.workflow ?? null,
    ...what,
    event: origin === null ? null : eventWords(origin),
  };
}

function eventWords({ occurrence, event }: Origin): Readonly<Record<string, unknown>> {
  const data = event === null || JSON.stringify(event.data).length > maxEventLength ? null : event.data;
  const at = toInstant(occurrence.nominalAt);
  return { source: occurrence.source, at, id: event?.id ?? null, kind: event?.kind ?? '', data };
}
