/** Failures in a row, and their end, as people are told of them. */
import type { Task } from '../../domain/task.ts';
import type { Occurrence, Workflow } from '../../domain/workflow.ts';
import type { Reads, Transaction } from '../../store/store.ts';
import type { SessionParts } from '../parts.ts';
import { announce, isAnyWanted } from './announce.ts';

/**
 * Counts how a task ended that is not tried again by itself, and tells what is to be told of it. What a workflow fired counts
 * for the workflow; every other task counts for its session. One that was cancelled says nothing, nor does a fix: what it is to mend
 * was told.
 */
export async function announceEnd(
  tx: Transaction,
  parts: SessionParts,
  ended: {
    readonly task: Task;
    readonly now: number;
    readonly occurrence: Occurrence | null;
    /** of the occurrence */
    readonly workflow: Workflow | null;
  },
): Promise<void> {
  const { task, now, occurrence } = ended;
  if ((task.status !== 'FAILED' && task.status !== 'COMPLETED') || task.fixCount > 0) return;
  const isFired = occurrence !== null && task.triggerId !== null;
  const workflow = isFired ? ended.workflow : null;
  if (!isAnyWanted(parts, workflow, ['failure', 'recovery', 'retries_exhausted'])) return;
  const subject = workflow === null ? `session ${task.sessionId}` : `workflow ${workflow.id}`;
  const key = `end ${task.id} ${task.attempt}`;
  const about = { key, workflow, task, now };
  if (task.status === 'COMPLETED') {
    const failures = await tx.endFailures(subject);
    if (failures > 0) await announce(tx, parts, { ...about, what: { event: 'recovery', failures } });
    return;
  }
  const failures = await tx.addFailure(subject, now);
  const more = factsOf(task);
  const commands = [`keruta task logs ${task.id}`];
  await announce(tx, parts, { ...about, more, commands, what: { event: 'failure', failures } });
  // under the same key: a channel that was told of the failure is not told again
  if (task.retryCount > 0 && task.retriesUsed >= task.retryCount)
    await announce(tx, parts, { ...about, more, commands, what: { event: 'retries_exhausted' } });
}

/** The workflow whose trigger made a task; null for every other task, hooks among them. */
export async function workflowOf(reads: Reads, { id, triggerId }: Task): Promise<Workflow | null> {
  const occurrence = triggerId === null ? null : await reads.occurrenceOfTask(id);
  return occurrence === null ? null : reads.workflow(occurrence.workflowId);
}

function factsOf({ reason, exitCode, signal, errorCode, attempt }: Task): readonly string[] {
  return [
    ...(reason === null ? [] : [`reason ${reason}`]),
    ...(exitCode === null ? [] : [`exit code ${exitCode}`]),
    ...(signal === null ? [] : [`signal ${signal}`]),
    ...(errorCode === '' ? [] : [`error code ${errorCode}`]),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
  ];
}
