import type { z } from 'zod';
import type { RenewAnswer, renewRequest } from '../api/protocol.ts';
import { type Attempt, defaultTiming } from '../domain/attempt.ts';
import type { InputRequest } from '../domain/records.ts';
import type { Task } from '../domain/task.ts';
import type { Reads, Transaction } from '../store/store.ts';
import { seeAgent } from './agent-seen.ts';
import { type AttemptRef, fencedAttempt, type HeldAttempt, onAttempt } from './fence.ts';
import type { SessionParts } from './parts.ts';
import { putAndTell } from './put-task.ts';
import { findSlotHolder } from './slot.ts';
import { Wakeup } from './wakeup.ts';

/**
 * Extends the lease of an attempt and tells its agent what it must know: a cancel, answers of people, limits. With
 * `waitMs` the answer waits until there is a cancel or an answer.
 *
 * A lost attempt that renews is revived, unless another one has the slot of its session meanwhile; then it keeps
 * running as lost, and its end will be `late`.
 *
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED, also in the middle of a wait
 */
export async function renew(
  parts: SessionParts,
  ref: AttemptRef & { readonly request: z.output<typeof renewRequest>; readonly signal: AbortSignal },
): Promise<RenewAnswer> {
  const { store, clock } = parts;
  const deadline = clock.monotonicMs() + ref.request.waitMs;
  const { task: seen } = await fencedAttempt(parts, ref);
  const wakeup = new Wakeup(store, `session:${seen.sessionId}`);
  try {
    let answer = await renewNow(parts, ref);
    for (;;) {
      const left = deadline - clock.monotonicMs();
      if (answer.cancel || answer.inputs.length > 0 || left <= 0) return answer;
      if ((await wakeup.wait(clock, left, ref.signal)) === 'stopped') return answer;
      const now = await fencedAttempt(parts, ref);
      answer = await answerOf(store, { ...now, timing: parts.timing ?? defaultTiming });
    }
  } finally {
    wakeup.close();
  }
}

async function renewNow(
  parts: SessionParts,
  ref: AttemptRef & { readonly request: z.output<typeof renewRequest> },
): Promise<RenewAnswer> {
  const { answer, sighting } = await onAttempt(parts, ref, async (tx, held) => {
    for (const id of ref.request.deliveredInputs) await markDelivered(tx, held, id);
    const task = await extend(tx, held);
    return {
      answer: await answerOf(tx, { ...held, task }),
      sighting: { agentId: held.attempt.agentId, sessionId: task.sessionId, taskId: task.id, now: held.now },
    };
  });
  if (sighting.agentId !== '') await seeAgent(parts.store, sighting);
  return answer;
}

async function markDelivered(tx: Transaction, { task, attempt }: HeldAttempt, id: string): Promise<void> {
  const request = await tx.inputRequest(id);
  if (request?.taskId !== task.id || request.attempt !== attempt.number) return;
  if (request.state === 'answered')
    await tx.putInputRequest({ ...request, state: 'delivered', answer: null });
}

async function extend(tx: Transaction, held: HeldAttempt): Promise<Task> {
  const { task, attempt, leaseNow, timing } = held;
  if (attempt.leaseUntil === null) return task;
  if (attempt.state !== 'lost') {
    await tx.putLease(task.id, attempt.number, leaseNow + timing.leaseMs);
    return task;
  }
  const holder = await findSlotHolder(tx, task.sessionId, held);
  if (holder !== null && holder.taskId !== task.id) return task;
  return revive(tx, held);
}

/** Brings a lost attempt, and its task when that is LOST, back to where they stood before the lease ran out. */
export async function revive(tx: Transaction, held: HeldAttempt): Promise<Task> {
  const { task, attempt, now, leaseNow, timing } = held;
  const ended = attempt.finishedAt !== null;
  await tx.putAttempt({
    ...attempt,
    state: ended ? 'exited' : 'claimed',
    leaseUntil: leaseNow + timing.leaseMs,
  });
  if (task.status !== 'LOST') return task;
  const status = (await hasOpenRequest(tx, attempt)) ? 'WAITING_FOR_INPUT' : 'PROCESSING';
  return putAndTell(tx, { ...task, status, reason: null, message: '', errorCode: '' }, now);
}

async function hasOpenRequest(reads: Reads, attempt: Attempt): Promise<boolean> {
  const requests = await reads.inputRequests(attempt.taskId);
  return requests.some((request) => request.attempt === attempt.number && request.state === 'open');
}

async function answerOf(
  reads: Reads,
  { task, attempt, timing }: Pick<HeldAttempt, 'task' | 'attempt' | 'timing'>,
): Promise<RenewAnswer> {
  const requests = await reads.inputRequests(task.id);
  return {
    leaseMs: timing.leaseMs,
    cancel: task.cancelRequested,
    inputs: requests.filter((request) => isForAgent(request, attempt.number)).map(toInput),
    timeoutMs: task.timeoutMs,
  };
}

function isForAgent(request: InputRequest, number: number): boolean {
  return request.attempt === number && request.state === 'answered' && request.kind !== 'plain';
}

/** A process that reads lines would hang on an answer without newline; `ask` prints its own. */
function toInput(request: InputRequest): RenewAnswer['inputs'][number] {
  const answer = request.answer ?? '';
  const line = request.kind === 'stdin' && !answer.endsWith('\n') ? `${answer}\n` : answer;
  return { id: request.id, key: request.key, answer: line };
}
