import { ConflictError, InputError, NotFoundError } from '../domain/errors.ts';
import type { InputRequest } from '../domain/records.ts';
import type { Task } from '../domain/task.ts';
import { isEnded } from '../domain/task-status.ts';
import type { Transaction } from '../store/store.ts';
import { visibleTask } from './authorize.ts';
import { type HeldTask, onTask } from './fence.ts';
import { newAttempt } from './new-attempt.ts';
import { announceInput } from './notify/announce-waits.ts';
import { openRequests, putRequest, settleWaiting } from './open-requests.ts';
import type { Caller, SessionParts } from './parts.ts';
import { auditTask, putAndTell } from './put-task.ts';

/** A task, and who asks. */
export interface TaskRef {
  readonly caller: Caller;
  readonly taskId: string;
}

/**
 * Puts a question on a plain client's behalf; the task is WAITING_FOR_INPUT until it is answered. The same prompt again
 * while it is open is the same question.
 *
 * @throws {ConflictError} KERUTA_ERR_TASK_ENDED
 */
export async function requestInput(
  parts: SessionParts,
  ref: TaskRef & { readonly prompt: string },
): Promise<InputRequest> {
  return onTask(parts, ref, async (tx, { task: seen, now }) => {
    const task = seen.status === 'PENDING' ? await beginPlainly(tx, seen, now) : seen;
    if (isEnded(task.status)) {
      throw new ConflictError(
        'KERUTA_ERR_TASK_ENDED',
        `task ${task.id} is ${task.status}; it cannot wait for input any more`,
        { details: { status: task.status } },
      );
    }
    const open = await openRequests(tx, task);
    const same = open.find((request) => request.kind === 'plain' && request.prompt === ref.prompt);
    if (same) return same;
    const id = parts.random.uuid7(now);
    const request: InputRequest = {
      ...{ id, taskId: task.id, attempt: task.attempt, key: id, kind: 'plain', prompt: ref.prompt },
      ...{ choices: [], secret: false, state: 'open', answer: null, createdAt: now, answeredAt: null },
    };
    await putRequest(tx, task, { request, now });
    await announceInput(tx, parts, { request, task, now });
    if (task.status !== 'LOST') await putAndTell(tx, { ...task, status: 'WAITING_FOR_INPUT' }, now);
    return request;
  });
}

/**
 * Takes the oldest answer that waits for a plain client; it is given out once and emptied.
 * @returns the text, ended by a newline; null when there is none yet
 */
export async function takeInput(parts: SessionParts, ref: TaskRef): Promise<string | null> {
  const waiting = (request: InputRequest) => request.kind === 'plain' && request.state === 'answered';
  const seen = await visibleTask(parts.store, ref.caller, ref.taskId);
  // Clients ask every few seconds for days: a look costs no transaction.
  if (!(await parts.store.inputRequests(seen.id)).some(waiting)) return null;
  return onTask(parts, ref, async (tx, { task, now }) => {
    const request = (await tx.inputRequests(task.id)).find(waiting);
    if (!request) return null;
    await putRequest(tx, task, { request: { ...request, state: 'delivered', answer: null }, now });
    const answer = request.answer ?? '';
    return answer.endsWith('\n') ? answer : `${answer}\n`;
  });
}

/**
 * Answers a question. One answer wins; the same answer to the same question again, while it is not yet delivered, is
 * taken as a repetition.
 *
 * @param ref.promptId which question; null = the oldest open one
 * @throws {NotFoundError} KERUTA_ERR_NOT_FOUND when the task never put that one: it may be one of somebody else's task
 * @throws {ConflictError} KERUTA_ERR_NOT_WAITING when that one, or any, is not open
 * @throws {InputError} KERUTA_ERR_BAD_VALUE when the question has choices and this is none of them
 */
export async function answerInput(
  parts: SessionParts,
  ref: TaskRef & { readonly input: string; readonly promptId: string | null },
): Promise<InputRequest> {
  return onTask(parts, ref, async (tx, held) => {
    const request = await findRequest(tx, held.task, ref);
    if (request.state === 'answered') return request;
    refuseOtherChoice(request, ref.input);
    const answered = await answerRequest(tx, held, { ...request, answer: ref.input });
    const { task, now } = held;
    const details = { inputId: request.id };
    await auditTask(tx, { parts, caller: ref.caller, action: 'task.input', task, now, details });
    return answered;
  });
}

/** The questions of a task, oldest first. */
export async function listInputRequests(parts: SessionParts, ref: TaskRef): Promise<InputRequest[]> {
  const task = await visibleTask(parts.store, ref.caller, ref.taskId);
  return parts.store.inputRequests(task.id);
}

/** Who asks on behalf of a task that nobody claimed runs it, without lease. */
async function beginPlainly(tx: Transaction, task: Task, now: number): Promise<Task> {
  const number = task.attempt + 1;
  const identity = { taskId: task.id, number, reason: 'plain_client', agentId: '', claimId: '' } as const;
  await tx.putAttempt({ ...newAttempt({ ...identity, leaseUntil: null, now }), startedAt: now });
  return { ...task, attempt: number, startedAt: now };
}

async function findRequest(
  tx: Transaction,
  task: Task,
  { promptId, input }: { readonly promptId: string | null; readonly input: string },
): Promise<InputRequest> {
  const open = await openRequests(tx, task);
  const [oldest] = open;
  if (promptId === null && oldest) return oldest;
  const named = promptId === null ? null : await tx.inputRequest(promptId);
  if (promptId !== null && named?.taskId !== task.id) throw noSuchQuestion(task, promptId);
  if (named !== null) {
    if (open.some((request) => request.id === named.id)) return named;
    if (named.state === 'answered' && named.answer === input) return named;
  }
  const what =
    promptId === null ? 'for any input' : `for an answer to ${JSON.stringify(promptId.slice(0, 80))}`;
  throw new ConflictError(
    'KERUTA_ERR_NOT_WAITING',
    `task ${task.id} is ${task.status} and does not wait ${what}`,
    {
      details: { status: task.status, open: open.map((request) => request.id) },
    },
  );
}

function noSuchQuestion(task: Task, promptId: string): NotFoundError {
  return new NotFoundError(
    'KERUTA_ERR_NOT_FOUND',
    `task ${task.id} has put no question ${JSON.stringify(promptId.slice(0, 80))}; GET /api/v1/tasks/${task.id}/input-requests lists those that it put`,
  );
}

function refuseOtherChoice(request: InputRequest, input: string): void {
  if (request.choices.length === 0 || request.choices.includes(input.trim())) return;
  const came = request.secret ? 'something else' : JSON.stringify(input.trim().slice(0, 60));
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `the question takes one of ${request.choices.map((choice) => JSON.stringify(choice)).join(', ')}; got ${came}`,
    { details: { choices: request.choices } },
  );
}

async function answerRequest(
  tx: Transaction,
  { task, now }: HeldTask,
  given: InputRequest,
): Promise<InputRequest> {
  const request: InputRequest = { ...given, state: 'answered', answeredAt: now };
  await putRequest(tx, task, { request, now });
  await settleWaiting(tx, task, now);
  return request;
}
