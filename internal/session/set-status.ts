import type { Attempt } from '../domain/attempt.ts';
import { ConflictError, DeniedError, InputError } from '../domain/errors.ts';
import type { Declared } from '../domain/outcome.ts';
import type { Task } from '../domain/task.ts';
import {
  type EndStatus,
  isEnded,
  mayFollow,
  parseTaskStatus,
  type TaskStatus,
  taskStatuses,
} from '../domain/task-status.ts';
import type { Transaction } from '../store/store.ts';
import { refuseSuperseded } from './authorize.ts';
import { tellProgress } from './events.ts';
import { type HeldTask, onTask } from './fence.ts';
import { followEnd } from './follow-end.ts';
import { newAttempt } from './new-attempt.ts';
import { closeRequests } from './open-requests.ts';
import type { Caller, SessionParts } from './parts.ts';
import { auditTask, putAndTell } from './put-task.ts';
import { retryTask } from './retry.ts';

/** What a plain client says about a task. What it leaves out is 0 or empty, not "as before": old clients leave out 0. */
export interface StatusReport {
  /** in any dialect and case */
  readonly status: string;
  readonly message?: string | null | undefined;
  readonly progress?: number | null | undefined;
  readonly errorCode?: string | null | undefined;
}

interface Report {
  readonly status: TaskStatus;
  readonly message: string;
  readonly progress: number;
  readonly errorCode: string;
}

/**
 * Takes a status from a client that knows no claims.
 *
 * Nobody runs the task: a running status opens an attempt without a lease, which blocks claims until the same way ends
 * it. An agent runs it: a running status changes progress and message only, COMPLETED and FAILED are what the script
 * declares about itself, and CANCELLED asks for the end; the agent's report decides. The same end again changes
 * nothing.
 *
 * @throws {InputError} KERUTA_ERR_BAD_STATUS
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND
 * @throws {ConflictError} KERUTA_ERR_TASK_ENDED, KERUTA_ERR_TRANSITION, KERUTA_ERR_ATTEMPT_SUPERSEDED
 */
export async function setStatus(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
  said: StatusReport,
): Promise<Task> {
  const report: Report = {
    status: readStatus(said.status),
    message: said.message ?? '',
    progress: said.progress ?? 0,
    errorCode: said.errorCode ?? '',
  };
  if (report.status === 'PENDING') return toPending(parts, ref, said.status);
  return onTask(parts, ref, async (tx, held) => {
    const { task } = held;
    refuseSuperseded(ref.caller, task);
    if (isEnded(task.status)) return alreadyEnded(task, report.status);
    const attempt = await attemptUnderWay(tx, task);
    if (!mayFollow(task.status, report.status)) throw unlawful(task, report.status);
    if (attempt !== null && attempt.leaseUntil !== null) {
      if (report.status === 'CANCELLED') return askForEnd(tx, { parts, caller: ref.caller, held });
      return isEnded(report.status) ? declare(tx, held, { attempt, report }) : goOn(tx, held, report);
    }
    return isEnded(report.status)
      ? end(tx, held, { parts, attempt, report, status: report.status })
      : run(tx, held, { attempt, report });
  });
}

/**
 * Reads a status that a client may set or ask for.
 * @throws {InputError} KERUTA_ERR_BAD_STATUS
 */
export function readStatus(text: string): TaskStatus {
  const status = parseTaskStatus(text);
  if (status !== null && status !== 'LOST') return status;
  throw new InputError(
    'KERUTA_ERR_BAD_STATUS',
    `Expected one of ${taskStatuses.filter((each) => each !== 'LOST').join(', ')}; got ${JSON.stringify(text.slice(0, 60))}.`,
  );
}

/** Back into the queue: a retry of a task that ended, or a plain client that lets go of one. */
async function toPending(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
  word: string,
): Promise<Task> {
  if (ref.caller.scope === 'task') {
    throw new DeniedError(
      'KERUTA_ERR_FORBIDDEN',
      'The token of a run cannot put its task back into the queue.',
    );
  }
  const retried = word.trim().toUpperCase() === 'RETRYING' ? 1 : 0;
  const task = await onTask(parts, ref, async (tx, { task, now }) => {
    if (task.status === 'PENDING') return task;
    if (task.status === 'COMPLETED') return alreadyEnded(task, 'PENDING');
    if (isEnded(task.status) || task.status === 'LOST') return null;
    const attempt = await attemptUnderWay(tx, task);
    if (attempt !== null && attempt.leaseUntil !== null) throw unlawful(task, 'PENDING');
    if (attempt !== null) await tx.putAttempt({ ...attempt, state: 'superseded', finishedAt: now });
    const retriesUsed = task.retriesUsed + retried;
    return putAndTell(
      tx,
      { ...task, status: 'PENDING', notBefore: null, message: '', progress: 0, retriesUsed },
      now,
    );
  });
  return task ?? retryTask(parts, ref);
}

async function attemptUnderWay(tx: Transaction, task: Task): Promise<Attempt | null> {
  if (task.attempt === 0) return null;
  const attempt = await tx.attempt(task.id, task.attempt);
  return attempt === null || attempt.state === 'finished' || attempt.state === 'superseded' ? null : attempt;
}

/** A running status of a task that an agent runs. */
async function goOn(tx: Transaction, { task, now }: HeldTask, report: Report): Promise<Task> {
  const next = { ...task, message: report.message, progress: report.progress, updatedAt: now };
  await tx.putTask(next);
  await tellProgress(tx, next, now);
  return next;
}

/** A last word about a task that an agent runs; a failure that was declared stays one. */
async function declare(
  tx: Transaction,
  { task }: HeldTask,
  { attempt, report }: { readonly attempt: Attempt; readonly report: Report },
): Promise<Task> {
  if (attempt.declared?.status === 'FAILED') return task;
  await tx.putAttempt({ ...attempt, declared: toDeclared(report) });
  return task;
}

async function askForEnd(
  tx: Transaction,
  { parts, caller, held }: { readonly parts: SessionParts; readonly caller: Caller; readonly held: HeldTask },
): Promise<Task> {
  const { task, now } = held;
  if (task.cancelRequested) return task;
  await auditTask(tx, { parts, caller, action: 'task.cancel', task, now });
  return putAndTell(tx, { ...task, cancelRequested: true }, now);
}

/** A running status of a task that nobody, or this plain client, runs. */
async function run(
  tx: Transaction,
  held: HeldTask,
  { attempt, report }: { readonly attempt: Attempt | null; readonly report: Report },
): Promise<Task> {
  const { task, now } = held;
  if (attempt !== null && task.status === report.status) return goOn(tx, held, report);
  const number = attempt?.number ?? task.attempt + 1;
  if (attempt === null) {
    const identity = { taskId: task.id, number, reason: 'plain_client', agentId: '', claimId: '' } as const;
    await tx.putAttempt({ ...newAttempt({ ...identity, leaseUntil: null, now }), startedAt: now });
  }
  return putAndTell(
    tx,
    {
      ...task,
      ...report,
      attempt: number,
      ...(attempt === null ? { ...nothingKnown, startedAt: now } : {}),
    },
    now,
  );
}

const nothingKnown = {
  exitCode: null,
  signal: null,
  reason: null,
  usage: null,
  notBefore: null,
  finishedAt: null,
  logComplete: false,
};

/** The end of a task that nobody, or this plain client, runs. */
async function end(
  tx: Transaction,
  { task, now }: HeldTask,
  about: {
    readonly parts: SessionParts;
    readonly attempt: Attempt | null;
    readonly report: Report;
    readonly status: EndStatus;
  },
): Promise<Task> {
  const { parts, attempt, report, status } = about;
  const reason = status === 'CANCELLED' ? ('cancel' as const) : null;
  if (attempt !== null) {
    const declared = status === 'CANCELLED' ? attempt.declared : toDeclared(report);
    await tx.putAttempt({ ...attempt, state: 'finished', declared, endReason: reason, finishedAt: now });
    await closeRequests(tx, task, { number: attempt.number, now });
  }
  await tx.expireTaskTokens(task.id, now);
  const changes = { ...report, reason, notBefore: null, logComplete: true, finishedAt: now };
  const ended = await putAndTell(tx, { ...task, ...changes }, now);
  await followEnd(tx, parts, { task: ended, now });
  return ended;
}

function toDeclared(report: Report): Declared {
  const { message, errorCode } = report;
  return { status: report.status === 'FAILED' ? 'FAILED' : 'COMPLETED', message, errorCode, autoFix: null };
}

function alreadyEnded(task: Task, status: TaskStatus): Task {
  if (task.status === status) return task;
  throw new ConflictError(
    'KERUTA_ERR_TASK_ENDED',
    `Task ${task.id} has ended as ${task.status} and cannot become ${status}; retry it, or submit another one.`,
    { details: { status: task.status } },
  );
}

function unlawful(task: Task, status: TaskStatus): ConflictError {
  const hint =
    task.status === 'LOST'
      ? 'its agent is gone; retry it to run it again'
      : 'an agent runs it; cancel it first';
  return new ConflictError(
    'KERUTA_ERR_TRANSITION',
    `Task ${task.id} is ${task.status} and cannot become ${status}: ${hint}.`,
    {
      details: { status: task.status },
    },
  );
}
