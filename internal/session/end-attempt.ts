import type { z } from 'zod';
import type { exitedRequest } from '../api/protocol.ts';
import type { Attempt } from '../domain/attempt.ts';
import { judge, type Outcome } from '../domain/outcome.ts';
import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import type { HeldAttempt } from './fence.ts';
import { closeRequests } from './open-requests.ts';
import { putAndTell } from './put-task.ts';
import { wasRetried } from './retry-mark.ts';

/** How a run ended, as its agent reports it. */
export type EndReport = z.output<typeof exitedRequest>;

/** Puts the reported end into the row of an attempt; not written yet. */
export function withEnd(attempt: Attempt, report: EndReport): Attempt {
  return {
    ...attempt,
    exitCode: report.exitCode,
    signal: report.signal,
    endReason: report.reason,
    startedAt: Date.parse(report.startedAt),
    finishedAt: Date.parse(report.exitedAt),
  };
}

/**
 * Judges an ended attempt. What the script said about a failure comes before what its agent found out, and that before
 * what the exit code tells.
 */
export function judgeAttempt(attempt: Attempt, report: Pick<EndReport, 'message' | 'errorCode'>): Outcome {
  const outcome = judge(attempt, attempt.endReason, attempt.declared);
  const said = attempt.declared?.status === outcome.status ? attempt.declared : null;
  return {
    ...outcome,
    message: said?.message || report.message || outcome.message,
    errorCode: said?.errorCode || report.errorCode || outcome.errorCode,
  };
}

/** Whether the end of this attempt is the end of its task: not when a person asked for a retry meanwhile. */
export async function decidesTask(tx: Transaction, { task, attempt }: HeldAttempt): Promise<boolean> {
  if (attempt.number !== task.attempt || task.status === 'PENDING') return false;
  return !(await wasRetried(tx, task.id, attempt.number));
}

/**
 * Makes an outcome visible on the task, and closes the questions that nobody waits for any more.
 * @param end.logComplete whether all bytes are known to be here
 */
export async function endTask(
  tx: Transaction,
  held: HeldAttempt,
  end: { readonly attempt: Attempt; readonly outcome: Outcome; readonly logComplete: boolean },
): Promise<Task> {
  const { task, now } = held;
  const { outcome, attempt } = end;
  await closeRequests(tx, task, { number: attempt.number, now });
  const ended: Task = {
    ...task,
    status: outcome.status,
    progress: outcome.status === 'COMPLETED' ? 100 : task.progress,
    message: outcome.message || (outcome.status === 'COMPLETED' ? task.message : ''),
    errorCode: outcome.errorCode,
    exitCode: outcome.exitCode,
    signal: outcome.signal,
    reason: outcome.reason,
    usage: attempt.usage,
    startedAt: attempt.startedAt,
    finishedAt: attempt.finishedAt,
    logComplete: end.logComplete,
    late: task.late || task.status === 'LOST',
  };
  return putAndTell(tx, ended, now);
}
