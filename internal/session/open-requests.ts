import type { InputRequest } from '../domain/records.ts';
import type { Task } from '../domain/task.ts';
import { isActive } from '../domain/task-status.ts';
import type { Transaction } from '../store/store.ts';
import { tell } from './events.ts';
import { putAndTell } from './put-task.ts';
import { toInputRequestWire } from './wire.ts';

/** Writes a question and tells readers about it; the answer itself is never told. */
export async function putRequest(
  tx: Transaction,
  task: Task,
  { request, now }: { readonly request: InputRequest; readonly now: number },
): Promise<void> {
  await tx.putInputRequest(request);
  await tell(tx, {
    sessionId: task.sessionId,
    taskId: task.id,
    type: 'input',
    data: toInputRequestWire(request),
    at: now,
  });
}

/** The open questions of a task's newest attempt, oldest first. */
export async function openRequests(tx: Transaction, task: Task): Promise<InputRequest[]> {
  const requests = await tx.inputRequests(task.id);
  return requests.filter((request) => request.attempt === task.attempt && request.state === 'open');
}

/**
 * Brings the status of a task in line with its questions: WAITING_FOR_INPUT while one is open, else PROCESSING. A task
 * that is not under way is left alone.
 */
export async function settleWaiting(tx: Transaction, task: Task, now: number): Promise<Task> {
  if (!isActive(task.status)) return task;
  const status = (await openRequests(tx, task)).length > 0 ? 'WAITING_FOR_INPUT' : 'PROCESSING';
  return status === task.status ? task : putAndTell(tx, { ...task, status }, now);
}

/** Closes every question that an attempt which ended has left open or unread; their answers are emptied. */
export async function closeRequests(
  tx: Transaction,
  task: Task,
  { number, now }: { readonly number: number; readonly now: number },
): Promise<void> {
  for (const request of await tx.inputRequests(task.id)) {
    if (request.attempt !== number) continue;
    if (request.state === 'open' || request.state === 'answered') {
      await putRequest(tx, task, { request: { ...request, state: 'closed', answer: null }, now });
    }
  }
}
