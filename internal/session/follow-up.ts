import type { Occurrence } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import type { Origin } from './end-words.ts';
import { refusalOf } from './fire.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { recordOccurrence } from './record-occurrence.ts';
import { type Submission, submitTaskIn } from './submit.ts';

/** What runs after a task because the workflow of that task says so. Once for each key. */
export interface FollowUp {
  /** of the task that it follows */
  readonly origin: Origin;
  /** unique within the trigger */
  readonly key: string;
  /** name of the workflow */
  readonly workflow: string;
  readonly details: Occurrence['details'];
  /** when it fell due; default: now, as it follows an end; epoch ms */
  readonly nominalAt?: number;
  /** `store.now()`; epoch ms */
  readonly now: number;
}

/** Makes its task, and puts on record that it runs; or why not. @returns whether it runs */
export async function submitFollowUp(
  tx: Transaction,
  parts: SessionParts,
  wish: FollowUp & { readonly newTask: Submission['newTask']; readonly reason: Occurrence['reason'] },
): Promise<boolean> {
  const { origin, key, newTask, now, reason } = wish;
  const idempotencyKey = `trigger:${origin.occurrence.triggerId}:${key}`;
  try {
    const made = await submitTaskIn(tx, { parts, caller: systemCaller, newTask, now, idempotencyKey });
    await recordFollowUp(tx, parts, { ...wish, decision: 'run', reason, taskId: made.task.id });
    return true;
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    await recordFollowUp(tx, parts, { ...wish, decision: 'skipped', reason: refusal, taskId: null });
    return false;
  }
}

/** Puts on record what became of it. */
export async function recordFollowUp(
  tx: Transaction,
  parts: SessionParts,
  made: FollowUp & Pick<Occurrence, 'decision' | 'reason' | 'taskId'>,
): Promise<void> {
  const { origin, key, workflow, details, now, nominalAt = now, decision, reason, taskId } = made;
  const { triggerId, workflowId, workflowVersion, eventId } = origin.occurrence;
  const trigger = (await tx.trigger(triggerId))?.name ?? null;
  const occurrence: Occurrence = {
    ...{ id: parts.random.uuid7(now), triggerId, key, workflowId, workflowVersion, eventId },
    ...{ nominalAt, effectiveAt: now, decidedAt: now, decision, reason, taskId, details },
    ...{ source: 'task-end', actor: systemCaller.actor },
  };
  await recordOccurrence(tx, parts, { occurrence, workflow, trigger });
}
