import type { LedgerEntry, LedgerStatus } from '../domain/ledger.ts';
import type { Task } from '../domain/task.ts';
import type { Occurrence } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { appendLedger } from './append-ledger.ts';
import type { SessionParts } from './parts.ts';
import { draftOf } from './record-occurrence.ts';

/** A step of a task, as it is written. */
export interface Step {
  /** after the step */
  readonly task: Task;
  /** `store.now()`; epoch ms */
  readonly now: number;
}

/** Puts on record that an attempt of an execution begins. Of a task that nothing fired there is nothing to say. */
export function recordBegin(tx: Transaction, parts: SessionParts, step: Step): Promise<void> {
  return recordStep(tx, parts, { ...step, change: () => ({ status: 'RUNNING' }) });
}

/** Puts on record that an execution is tried again: by its rule, or because somebody wants it. */
export function recordRetry(
  tx: Transaction,
  parts: SessionParts,
  step: Step & { readonly actor?: string },
): Promise<void> {
  const { task, actor = 'system' } = step;
  const change = () => ({ status: 'PENDING' as const, reason: 'retry' as const, actor, ...faultOf(task) });
  return recordStep(tx, parts, { ...step, change });
}

/** What a task cost since the entry before that said so; money in micro-dollars. */
export type Spent = Pick<LedgerEntry, 'costMicros' | 'llmCalls' | 'tokensIn' | 'tokensOut'>;

/**
 * Puts on record how an execution ended: it is not tried again by itself.
 * @param step.occurrence  of the task
 * @param step.spent  absent = nobody said what it cost
 */
export function recordEnd(
  tx: Transaction,
  parts: SessionParts,
  step: Step & { readonly occurrence: Occurrence; readonly spent?: Spent },
): Promise<void> {
  const { task, spent = {} } = step;
  const { startedAt, finishedAt } = task;
  const durationMs = startedAt === null || finishedAt === null ? null : Math.max(0, finishedAt - startedAt);
  const change = ({ mode }: Pick<LedgerEntry, 'mode'>) => ({
    ...{ status: endOf(task, mode), durationMs, ...spent },
    ...(task.status === 'FAILED' ? faultOf(task) : {}),
  });
  return recordStep(tx, parts, { ...step, change });
}

/** The entry before, with what is new. */
async function recordStep(
  tx: Transaction,
  parts: SessionParts,
  step: Step & {
    /** absent = it is looked for */
    readonly occurrence?: Occurrence;
    readonly change: (last: Pick<LedgerEntry, 'mode'>) => Partial<LedgerEntry>;
  },
): Promise<void> {
  const { task, now, change } = step;
  const occurrence = step.occurrence ?? (await tx.occurrenceOfTask(task.id));
  if (occurrence === null) return;
  const [last] = await tx.ledger({ executionId: occurrence.id }, { limit: 1 });
  const first = draftOf({ occurrence, workflow: null, trigger: null });
  const { workflow = null, trigger = null } = last ?? {};
  const { mode = null } = first;
  await appendLedger(tx, parts, {
    ...{ ...first, workflow, trigger, actor: 'system', details: {}, checks: [] },
    ...{ at: now, taskId: task.id, attempts: task.attempt, ...change({ mode }) },
  });
}

function endOf({ status }: Task, mode: LedgerEntry['mode']): LedgerStatus {
  if (status === 'COMPLETED') return mode === 'fallback' ? 'FALLBACK' : 'SUCCESS';
  return status === 'CANCELLED' ? 'CANCELLED' : 'FAILED';
}

/** What went wrong: a word to count by, and a sentence. */
function faultOf({ reason, errorCode, signal, exitCode, message }: Task) {
  const byEnd = signal !== null ? 'signal' : exitCode !== null && exitCode !== 0 ? 'exit_code' : null;
  const said = errorCode === '' ? byEnd : errorCode;
  return { errorClass: reason ?? said ?? 'unknown', error: message === '' ? null : message };
}
