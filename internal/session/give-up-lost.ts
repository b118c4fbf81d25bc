import type { Attempt } from '../domain/attempt.ts';
import type { EndReason } from '../domain/outcome.ts';
import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { closeRequests } from './open-requests.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { auditTask } from './put-task.ts';
import { sayOfTask } from './say-of-task.ts';

/** A lost attempt that is waited for no longer. */
export interface GivingUp {
  readonly task: Task;
  /** in the state `lost` */
  readonly attempt: Attempt;
  /** `store.now()`; epoch ms */
  readonly now: number;
  /** default: what stands there already */
  readonly endReason?: EndReason;
}

/**
 * Gives up a lost attempt, which frees the slot of its session. Its script may still run, beside what is claimed next: its agent
 * learns from the refusal of its next write that it is to end it. That such an overlap is possible is put on record, and the
 * task's log says it.
 */
export async function giveUpLost(
  tx: Transaction,
  parts: SessionParts,
  { task, attempt, now, endReason = attempt.endReason ?? undefined }: GivingUp,
): Promise<void> {
  const { number, agentId } = attempt;
  await tx.putAttempt({ ...attempt, state: 'superseded', endReason: endReason ?? null, finishedAt: now });
  await closeRequests(tx, task, { number, now });
  const details = { attempt: number, agentId };
  await auditTask(tx, { parts, caller: systemCaller, action: 'slot.possible_overlap', task, now, details });
  const message = `Attempt ${number} was given up while nothing was heard of its agent ${agentId}. Its script may still run, beside what this session runs next, until that agent is heard of: then it ends the script.`;
  await sayOfTask(tx, parts, { task, now, message });
}
