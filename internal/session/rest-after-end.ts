import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { firstOf } from '../trigger/decide-due.ts';
import { restsFromEnd } from '../trigger/types/interval.ts';
import { zoneOf } from './apply-workflow.ts';
import type { SessionParts } from './parts.ts';
import { dueStateOf } from './trigger-times.ts';

/** Lets a trigger whose rest counts from the end of its runs rest anew, when a task of it has ended. Others are left alone. */
export async function restAfterEnd(
  tx: Transaction,
  parts: SessionParts,
  { task: { triggerId }, now }: { readonly task: Pick<Task, 'triggerId'>; readonly now: number },
): Promise<void> {
  if (triggerId === null) return;
  const known = await tx.trigger(triggerId);
  if (known === null || !restsFromEnd(known.definition)) return;
  await tx.lockTrigger(triggerId);
  const trigger = await tx.trigger(triggerId);
  const workflow = trigger === null ? null : await tx.workflow(trigger.workflowId);
  // one that nothing is due for any more does not begin again
  if (workflow === null || trigger === null || trigger.nextAt === null || (trigger.cursor ?? now) >= now)
    return;
  const rested = { ...trigger, cursor: now };
  const state = dueStateOf(rested, { workflow: workflow.definition, zone: zoneOf(parts), now });
  const next = state === null ? null : firstOf(state, now);
  await tx.putTrigger({ ...rested, nextAt: next?.effectiveAt ?? null, updatedAt: now });
}
