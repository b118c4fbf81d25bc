import { KerutaError, UnavailableError } from '../domain/errors.ts';
import type { Trigger, Workflow } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { isAwaited, type TaskEndSpec } from '../trigger/types/task-end.ts';
import { endWordsOf, type Origin } from './end-words.ts';
import { type Firing, fireIn, skip } from './fire.ts';
import type { Ended } from './follow-end.ts';
import { type SessionParts, systemCaller } from './parts.ts';

/** Longest chain of workflows that fire each other; what would come behind it is on record, and does not run. */
export const maxDepth = 8;

/** Fires the triggers that wait for the end of this task. A workflow never waits for its own tasks. */
export async function fireFollowers(
  tx: Transaction,
  parts: SessionParts,
  ended: Ended & { readonly origin: Origin | null; readonly waiting: readonly Trigger[] },
): Promise<void> {
  const { task, origin, waiting } = ended;
  const session = await tx.session(task.sessionId);
  // a task that a hook made is one of its session only
  const workflow = task.triggerId === null ? null : (origin?.workflow ?? null);
  const facts = { workflow, session: session?.name ?? '', status: task.status };
  for (const { id, workflowId, definition } of waiting) {
    if (workflowId === origin?.occurrence.workflowId) continue;
    if (!isAwaited(definition.spec as TaskEndSpec, facts)) continue;
    await tx.lockTrigger(id);
    const trigger = await tx.trigger(id);
    const follower = trigger === null ? null : await tx.workflow(trigger.workflowId);
    if (trigger !== null && follower !== null) await follow(tx, parts, { ...ended, trigger, follower });
  }
}

async function follow(
  tx: Transaction,
  parts: SessionParts,
  what: Ended & { readonly origin: Origin | null; readonly trigger: Trigger; readonly follower: Workflow },
): Promise<void> {
  const { task, now, origin, trigger, follower } = what;
  const depth = what.depth + 1;
  const parameters = endWordsOf(task, origin);
  const kind = task.status.toLowerCase();
  const firing: Firing = {
    ...{ trigger, workflow: follower, source: 'task-end', reason: 'event', actor: systemCaller.actor },
    ...{ nominalAt: now, effectiveAt: now, now },
    key: `task-end:${task.id}:${task.attempt}`,
    event: { id: parts.random.uuid7(now), triggerId: trigger.id, kind, at: now, data: parameters },
    parameters,
    details: { of: task.id, depth },
  };
  if (depth > maxDepth) {
    const { event: _, ...unheard } = firing;
    await skip(tx, parts, { firing: unheard, reason: 'chain_too_long' });
    return;
  }
  try {
    await fireIn(tx, parts, firing);
  } catch (error) {
    // the task that ended is not to stay open because what follows it cannot be made
    if (!(error instanceof KerutaError) || error instanceof UnavailableError) throw error;
    await skip(tx, parts, { firing, reason: 'failed', details: { message: error.message } });
  }
}
