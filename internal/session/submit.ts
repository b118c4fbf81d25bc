/**
 * The one way a task is born. A person, a script, a failed task: all end here. Insert, live event, audit entry and
 * wake-up are one transaction under one idempotency key.
 */

import { ConflictError, InputError } from '../domain/errors.ts';
import type { AuditEntry } from '../domain/records.ts';
import { runnerScript } from '../domain/runner-script.ts';
import { isClosed, type Session } from '../domain/session.ts';
import { defaultInputTimeoutMs, maxScriptBytes, type NewTask, type Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { visibleSession, visibleTask } from './authorize.ts';
import { checkKind } from './check-kind.ts';
import { creationTime } from './creation-time.ts';
import { tellStatus } from './events.ts';
import { needsMessage, needsState, noNeeds, readNeeds } from './needs.ts';
import { fingerprintOf } from './once-per-key.ts';
import { type Caller, type SessionParts, whoOf } from './parts.ts';
import { refuseRemoved } from './removals.ts';
import { checkTaskLimits } from './task-limits.ts';

/** What became of a submission. */
export interface Submitted {
  readonly task: Task;
  /** false: the idempotency key had made it before */
  readonly created: boolean;
}

/**
 * Submits a task.
 * @param options.idempotencyKey  chosen by the client; the same key and the same task give the same task again
 * @throws {InputError} KERUTA_ERR_BAD_VALUE, KERUTA_ERR_SCRIPT_TOO_LARGE
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND, KERUTA_ERR_TASK_NOT_FOUND (the parent)
 * @throws {ConflictError} KERUTA_ERR_SESSION_CLOSED, KERUTA_ERR_IDEMPOTENCY
 * @throws {UnavailableError} KERUTA_ERR_RATE_LIMITED when the session has too many tasks, or gets them too fast
 */
export async function submitTask(
  parts: SessionParts,
  caller: Caller,
  newTask: NewTask,
  options: { readonly idempotencyKey?: string } = {},
): Promise<Submitted> {
  const now = await parts.store.now();
  // the keys of clients live apart from those that rules make, and apart per session
  const key = options.idempotencyKey && `client:${caller.sessionId ?? ''}:${options.idempotencyKey}`;
  return parts.store.transact((tx) =>
    submitTaskIn(tx, { parts, caller, newTask, now, limited: true, ...(key ? { idempotencyKey: key } : {}) }),
  );
}

/** A submission inside a transaction that is under way. */
export interface Submission {
  readonly parts: SessionParts;
  readonly caller: Caller;
  readonly newTask: NewTask;
  /** epoch ms, from `store.now()` before the transaction */
  readonly now: number;
  /** taken as it is, e.g. `fixKey(…)` */
  readonly idempotencyKey?: string;
  /** whether the limits of the session hold; those of fix tasks are others */
  readonly limited?: boolean;
}

/**
 * Submits a task inside a transaction; locks its session.
 * @see submitTask for what it throws
 */
export async function submitTaskIn(tx: Transaction, submission: Submission): Promise<Submitted> {
  const { caller, newTask, now, idempotencyKey: key } = submission;
  checkScript(newTask.script);
  checkKind(newTask);
  const session = await visibleSession(tx, caller, newTask.sessionId);
  await tx.lockSession(session.id);
  const wish = { ...newTask, sessionId: session.id };
  const fingerprint = key === undefined ? '' : fingerprintOf(wish);
  if (key !== undefined) {
    const known = await tx.taskByIdempotencyKey(key);
    if (known) return sameTask(known, fingerprint);
    await refuseRemoved(tx, key);
  }
  refuseClosed(session);
  if (submission.limited) await checkTaskLimits(submission.parts, tx, session);
  if (wish.parentTaskId) await checkParent(tx, caller, wish.parentTaskId, session);
  const needs = await readNeeds(tx, caller, wish.needs ?? []);
  const born = makeTask(submission, wish);
  const state = needsState(needs);
  const message = needsMessage(state);
  const task = { ...born, needs: needs.map(({ id }) => id), ...state, message };
  await tx.putTask(task, key === undefined ? undefined : { key, fingerprint });
  await tx.insertNeeds(task.id, needs);
  await tellStatus(tx, task, now);
  // how a trigger came to make one is in the ledger
  if (task.triggerId === null) await tx.insertAudit(submittedEntry(submission, task));
  return { task, created: true };
}

/** What the audit says of a new task. */
function submittedEntry(
  { parts, caller, now }: Pick<Submission, 'parts' | 'caller' | 'now'>,
  task: Task,
): AuditEntry {
  return {
    id: parts.random.uuid7(now),
    at: now,
    ...whoOf(caller),
    action: 'task.submit',
    sessionId: task.sessionId,
    taskId: task.id,
    details: { name: task.name, priority: task.priority, fixCount: task.fixCount },
  };
}

/**
 * Refuses a script that is too large, or has a NUL byte: the store would keep another character in its place.
 * @throws {InputError} KERUTA_ERR_SCRIPT_TOO_LARGE, KERUTA_ERR_BAD_VALUE
 */
export function checkScript(script: string): void {
  const at = script.indexOf('\0');
  if (at !== -1) {
    const line = script.slice(0, at).split('\n').length;
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `The script has a NUL byte in line ${line}; expected text. Put binary data into the repository, or encode it.`,
    );
  }
  const bytes = Buffer.byteLength(script);
  if (bytes <= maxScriptBytes) return;
  throw new InputError(
    'KERUTA_ERR_SCRIPT_TOO_LARGE',
    `The script has ${bytes} bytes; at most ${maxScriptBytes} are taken. Put it into the repository and call it from there.`,
    { details: { bytes, maxBytes: maxScriptBytes } },
  );
}

function sameTask(known: { task: Task; fingerprint: string }, fingerprint: string): Submitted {
  if (known.fingerprint === fingerprint) return { task: known.task, created: false };
  throw new ConflictError(
    'KERUTA_ERR_IDEMPOTENCY',
    `The idempotency key was used before, for task ${known.task.id}, which was asked for in other words; use a new key.`,
    { details: { taskId: known.task.id } },
  );
}

function refuseClosed(session: Session): void {
  if (!isClosed(session.status)) return;
  throw new ConflictError(
    'KERUTA_ERR_SESSION_CLOSED',
    `Session ${session.name} is ${session.status} and takes no more tasks; create another one.`,
  );
}

async function checkParent(
  tx: Transaction,
  caller: Caller,
  parentTaskId: string,
  session: Session,
): Promise<void> {
  const parent = await visibleTask(tx, caller, parentTaskId);
  if (parent.sessionId === session.id) return;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `parentTaskId names a task of another session (${parent.sessionId}); a subtask stays in the session of its parent.`,
  );
}

/** A task as it is born, waiting for nothing. */
export function makeTask({ parts, now }: Pick<Submission, 'parts' | 'now'>, wish: NewTask): Task {
  const createdAt = creationTime(parts.store, wish.sessionId, now);
  return {
    id: parts.random.uuid4(),
    sessionId: wish.sessionId,
    parentTaskId: wish.parentTaskId ?? null,
    name: wish.name,
    description: wish.description ?? '',
    script: (wish.kind ?? 'script') === 'script' ? wish.script : runnerScript,
    kind: wish.kind ?? 'script',
    context: wish.context ?? null,
    requiredSkill: wish.context?.requiredSkill ?? null,
    status: 'PENDING',
    message: '',
    progress: 0,
    errorCode: '',
    exitCode: null,
    signal: null,
    reason: null,
    attempt: 0,
    priority: wish.priority ?? 0,
    parameters: wish.parameters ?? {},
    ref: wish.ref ?? null,
    timeoutMs: wish.timeoutMs ?? null,
    noOutputTimeoutMs: wish.noOutputTimeoutMs ?? null,
    retryCount: wish.retryCount ?? 0,
    retriesUsed: 0,
    retry: wish.retry ?? null,
    notBefore: wish.notBefore ?? null,
    needs: [],
    ...noNeeds,
    concurrencyGroup: wish.concurrency?.group ?? null,
    concurrencyLimit: wish.concurrency?.limit ?? null,
    input: wish.input ?? 'wait',
    inputTimeoutMs: wish.inputTimeoutMs ?? defaultInputTimeoutMs,
    autoFix: wish.autoFix ?? null,
    fixCount: wish.fixCount ?? 0,
    triggerId: wish.triggerId ?? null,
    cancelRequested: false,
    logComplete: false,
    late: false,
    usage: null,
    createdAt,
    updatedAt: createdAt,
    startedAt: null,
    finishedAt: null,
  };
}
