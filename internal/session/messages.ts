import type { ControlMessage } from '../api/protocol.ts';
import { parseLogLevel } from '../domain/log-level.ts';
import type { Declared } from '../domain/outcome.ts';
import type { TaskLog } from '../domain/records.ts';
import type { Task } from '../domain/task.ts';
import { isActive } from '../domain/task-status.ts';
import type { Transaction } from '../store/store.ts';
import { recordCost } from './add-cost.ts';
import { tellLogs, tellProgress } from './events.ts';
import { type AttemptRef, type HeldAttempt, onAttempt } from './fence.ts';
import { announceInput } from './notify/announce-waits.ts';
import { openRequests, putRequest, settleWaiting } from './open-requests.ts';
import type { SessionParts } from './parts.ts';

/** Longest text of a message that is kept; characters. What is longer is cut: a refusal would stop the lane. */
const maxMessageLength = 65_536;

/**
 * Applies the control messages of an attempt, in order, all or none. Numbers that were applied are passed over, so a
 * batch may be sent again, or overlap the one before.
 *
 * @returns the highest number that is applied
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED
 */
export async function applyMessages(
  parts: SessionParts,
  ref: AttemptRef & { readonly messages: readonly ControlMessage[] },
): Promise<number> {
  return onAttempt(parts, ref, async (tx, held) => {
    const run = new Application(parts, tx, held);
    let applied = held.attempt.controlSeq;
    for (const message of ref.messages.toSorted((a, b) => a.seq - b.seq)) {
      if (message.seq <= applied) continue;
      await run.apply(message);
      applied = message.seq;
    }
    if (applied > held.attempt.controlSeq) await run.write(applied);
    return applied;
  });
}

/** One batch under way: the rows as they will be, written at the end. */
class Application {
  readonly #parts: SessionParts;
  readonly #tx: Transaction;
  readonly #held: HeldAttempt;
  readonly #logs: TaskLog[] = [];
  #task: Task;
  #declared: Declared | null;
  #startedAt: number | null;
  #changed = false;
  #moved = false;

  constructor(parts: SessionParts, tx: Transaction, held: HeldAttempt) {
    this.#parts = parts;
    this.#tx = tx;
    this.#held = held;
    this.#task = held.task;
    this.#declared = held.attempt.declared;
    this.#startedAt = held.attempt.startedAt;
  }

  async apply(message: ControlMessage): Promise<void> {
    switch (message.kind) {
      case 'started':
        this.#startedAt ??= Date.parse(message.at);
        this.#change({
          startedAt: this.#startedAt,
          ...(message.message ? { message: shortened(message.message) } : {}),
        });
        break;
      case 'progress':
        this.#change({
          progress: message.progress,
          message: shortened(message.message ?? this.#task.message),
        });
        break;
      case 'log':
        this.#logs.push(this.#logOf(message));
        break;
      case 'declared':
        this.#declared = floor(this.#declared, message);
        break;
      case 'ask':
        await this.#ask(message);
        break;
      case 'cost':
        await this.#cost(message);
        break;
      case 'withdraw':
        await this.#withdraw(message.key);
        break;
    }
  }

  async write(controlSeq: number): Promise<void> {
    const { now, attempt } = this.#held;
    const tx = this.#tx;
    await tx.putAttempt({ ...attempt, controlSeq, declared: this.#declared, startedAt: this.#startedAt });
    if (this.#changed) {
      this.#task = { ...this.#task, updatedAt: now };
      await tx.putTask(this.#task);
      await tellProgress(tx, this.#task, now);
    }
    if (this.#moved) this.#task = await settleWaiting(tx, this.#task, now);
    if (this.#logs.length > 0) {
      await tx.insertLogs(this.#logs);
      await tellLogs(tx, this.#logs);
    }
    tx.notify(`session:${this.#task.sessionId}`);
  }

  /** A task that ended, or waits for another attempt, is not changed by what an old run still has to say. */
  #change(change: Partial<Task>): void {
    if (!isActive(this.#task.status) && this.#task.status !== 'LOST') return;
    this.#task = { ...this.#task, ...change };
    this.#changed = true;
  }

  #logOf(message: ControlMessage & { kind: 'log' }): TaskLog {
    return {
      id: this.#parts.random.uuid7(this.#held.now),
      taskId: this.#task.id,
      sessionId: this.#task.sessionId,
      attempt: this.#held.attempt.number,
      // An agent has checked it; a level that only it knows must not stop the lane for good.
      level: parseLogLevel(message.level) ?? 'INFO',
      source: message.source ?? 'task',
      message: shortened(message.message),
      metadata: message.metadata ?? {},
      timestamp: Date.parse(message.at),
    };
  }

  async #ask(message: ControlMessage & { kind: 'ask' }): Promise<void> {
    const { now, attempt } = this.#held;
    // A lost task keeps the question too: it is asked again when the attempt is revived.
    if (!isActive(this.#task.status) && this.#task.status !== 'LOST') return;
    const requests = await this.#tx.inputRequests(this.#task.id);
    if (requests.some((each) => each.attempt === attempt.number && each.key === message.key)) return;
    const request = {
      id: this.#parts.random.uuid7(now),
      taskId: this.#task.id,
      attempt: attempt.number,
      key: message.key,
      kind: message.how,
      prompt: shortened(message.prompt),
      choices: message.choices,
      secret: message.secret,
      state: 'open' as const,
      answer: null,
      createdAt: Date.parse(message.at),
      answeredAt: null,
    };
    await putRequest(this.#tx, this.#task, { request, now });
    await announceInput(this.#tx, this.#parts, { request, task: this.#task, now });
    this.#moved = true;
  }

  /** The task is written before: a run that spent too much is cancelled there. */
  async #cost(message: ControlMessage & { kind: 'cost' }): Promise<void> {
    const { now, attempt } = this.#held;
    const { key, micro, tokensIn, tokensOut, model } = message;
    const cost = { key, micro, tokensIn, tokensOut, model, attempt: attempt.number };
    const { cancelRequested } = await recordCost(this.#tx, this.#parts, { task: this.#task, now, cost });
    this.#task = { ...this.#task, cancelRequested };
  }

  async #withdraw(key: string): Promise<void> {
    const open = (await openRequests(this.#tx, this.#task)).find((request) => request.key === key);
    if (!open) return;
    await putRequest(this.#tx, this.#task, {
      request: { ...open, state: 'closed' },
      now: this.#held.now,
    });
    this.#moved = true;
  }
}

/** FAILED is a floor: nothing that is said later lifts it. Saying the same again changes nothing. */
function floor(before: Declared | null, said: ControlMessage & { kind: 'declared' }): Declared {
  if (before !== null && (before.status === 'FAILED' || said.status === 'COMPLETED')) return before;
  const { status, message, errorCode, autoFix, retryAfterMs } = said;
  const texts = { message: shortened(message), errorCode: shortened(errorCode) };
  return { status, ...texts, autoFix, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function shortened(text: string): string {
  return text.length > maxMessageLength ? text.slice(0, maxMessageLength) : text;
}
