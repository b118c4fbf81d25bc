/** The span of a task as a whole: from its submission to its end, over all of its attempts. */
import type { Span } from '../../../pkg/trace/otlp.ts';
import { formatTraceparent, parseTraceparent, type TraceContext } from '../../../pkg/trace/trace-context.ts';
import type { Task } from '../../domain/task.ts';
import { taskSpanId, traceIdOf } from '../../domain/trace-ids.ts';
import type { Occurrence } from '../../domain/workflow.ts';
import type { Teller } from './chronicle.ts';
import { endWord } from './execution-log.ts';

/** Tells the end of every task as a span. */
export function taskTraces(sink: { add(span: Span): void }): Teller {
  return (happened) => {
    if (happened.kind !== 'ended') return;
    const { task, occurrence, origin } = happened;
    const before = incoming(occurrence);
    if (before?.sampled === false) return;
    const status = endWord(task);
    sink.add({
      traceId: before?.traceId ?? traceIdOf(task.id),
      spanId: taskSpanId(task.id),
      parentSpanId: before?.spanId ?? null,
      name: 'task',
      kind: before === null ? 'internal' : 'consumer',
      startAt: task.createdAt,
      endAt: task.finishedAt ?? task.updatedAt,
      attributes: {
        'keruta.task.id': task.id,
        'keruta.session.id': task.sessionId,
        'keruta.execution.id': occurrence?.id ?? task.id,
        'keruta.trigger': origin.name,
        'keruta.trigger.type': origin.type,
        'keruta.workflow': origin.workflow,
        'keruta.status': status,
        'keruta.attempts': task.attempt,
        'keruta.exit_code': task.exitCode,
      },
      // its message may hold anything that the script printed
      error: status === 'failed' ? (task.reason ?? `exit code ${task.exitCode ?? 'unknown'}`) : null,
    });
  };
}

/**
 * What the agent of a task gets to know of its trace.
 * @param isTraced  whether this server tells spans: then the task's own is the parent; else only what came is passed on
 * @returns a `traceparent`; null = there is nothing to tell
 */
export function traceparentOf(task: Task, occurrence: Occurrence | null, isTraced: boolean): string | null {
  const before = incoming(occurrence);
  if (!isTraced) return before === null ? null : formatTraceparent(before);
  const { traceId = traceIdOf(task.id), sampled = true } = before ?? {};
  return formatTraceparent({ traceId, spanId: taskSpanId(task.id), sampled });
}

/** The trace that led to an occurrence; null = none did. */
function incoming(occurrence: Occurrence | null): TraceContext | null {
  const { traceparent } = occurrence?.details ?? {};
  return typeof traceparent === 'string' ? parseTraceparent(traceparent) : null;
}
