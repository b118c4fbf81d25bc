/** The life of triggers and executions as lines of the log: names of events and fields are promises. */
import type { Log } from '../../../pkg/log/log.ts';
import type { Task } from '../../domain/task.ts';
import { toInstant } from '../wire.ts';
import type { Happened, Origin, Teller } from './chronicle.ts';

/** Every event, as `event` of its line says it. */
export const logEvents = {
  trigger_registered: 'a workflow that was applied brought a trigger, or changed it',
  trigger_fired: 'a trigger fell due, and made a task',
  governance_skip: 'a trigger fell due, and nothing ran: `reason` says why',
  execution_started: 'an agent claimed the task for another attempt',
  execution_completed: 'the task succeeded',
  execution_failed: 'the task failed, and is not tried again by itself',
  execution_cancelled: 'the task was cancelled',
  execution_lost: 'the agent of the task was not heard of in time',
} as const;
/** @see logEvents */
export type LogEvent = keyof typeof logEvents;

/** What is written in any case. */
const service = 'keruta';

/** Writes what happens into a log. */
export function executionLog(log: Log): Teller {
  return (happened) => {
    switch (happened.kind) {
      case 'registered': {
        const { trigger } = happened;
        const fields = { ...originFields(happened.origin), trigger_id: trigger.id };
        return log.info('trigger registered', {
          ...head('trigger_registered', trigger.updatedAt),
          ...fields,
          enabled: trigger.enabled,
          next_at: trigger.nextAt === null ? null : toInstant(trigger.nextAt),
        });
      }
      case 'occurred':
        return logOccurrence(log, happened);
      case 'started': {
        const { createdAt, agentId } = happened.attempt;
        return log.info('execution started', {
          ...head('execution_started', createdAt),
          ...executionFields(happened),
          agent_id: agentId,
          status: 'running',
        });
      }
      case 'ended':
        return logEnd(log, happened);
      case 'lost': {
        const { taskId, number, agentId } = happened.attempt;
        const fields = { task_id: taskId, attempt: number, agent_id: agentId, status: 'lost' };
        return log.warn('execution lost its agent', { event: 'execution_lost', service, ...fields });
      }
      // sending logs for itself, with the reason
      case 'told':
        return;
    }
  };
}

function logOccurrence(log: Log, { occurrence, origin }: Extract<Happened, { kind: 'occurred' }>): void {
  const ran = occurrence.decision === 'run';
  const fields = {
    ...head(ran ? 'trigger_fired' : 'governance_skip', occurrence.decidedAt),
    ...originFields(origin),
    execution_id: occurrence.id,
    ...(occurrence.taskId === null ? {} : { task_id: occurrence.taskId }),
    source: occurrence.source,
    reason: occurrence.reason,
    delay_ms: Math.max(0, occurrence.decidedAt - occurrence.effectiveAt),
    status: ran ? 'pending' : 'skipped',
  };
  if (ran) log.info('trigger fired', fields);
  // events that were never meant for the trigger are many, and no news
  else if (occurrence.reason === 'filtered') log.debug('trigger skipped', fields);
  else log.info('trigger skipped', fields);
}

function logEnd(log: Log, happened: Extract<Happened, { kind: 'ended' }>): void {
  const { task } = happened;
  const fields = {
    ...executionFields(happened),
    status: endWord(task),
    duration_ms: durationOf(task),
    exit_code: task.exitCode,
    ...(task.reason === null ? {} : { reason: task.reason }),
    ...(task.errorCode === '' ? {} : { error_code: task.errorCode }),
  };
  const at = task.finishedAt ?? task.updatedAt;
  if (task.status === 'COMPLETED')
    log.info('execution completed', { ...head('execution_completed', at), ...fields });
  else if (task.status === 'CANCELLED')
    log.info('execution cancelled', { ...head('execution_cancelled', at), ...fields });
  else log.warn('execution failed', { ...head('execution_failed', at), ...fields });
}

function head(event: LogEvent, at: number) {
  return { event, service, timestamp: toInstant(at) };
}

function originFields({ name, type, workflow, workflowId }: Origin) {
  return { trigger: name, trigger_type: type, workflow, workflow_id: workflowId };
}

function executionFields({ origin, task, occurrence }: Extract<Happened, { kind: 'started' | 'ended' }>) {
  const ids = { execution_id: occurrence?.id ?? task.id, task_id: task.id };
  return { ...originFields(origin), ...ids, session_id: task.sessionId, attempt: task.attempt };
}

/** How an ended task is called in metrics, log and traces. */
export function endWord({ status }: Pick<Task, 'status'>): 'success' | 'failed' | 'cancelled' {
  if (status === 'COMPLETED') return 'success';
  return status === 'CANCELLED' ? 'cancelled' : 'failed';
}

/** How long the last attempt of an ended task took; ms; null when none began. */
export function durationOf({ startedAt, finishedAt }: Pick<Task, 'startedAt' | 'finishedAt'>): number | null {
  return startedAt === null || finishedAt === null ? null : Math.max(0, finishedAt - startedAt);
}
