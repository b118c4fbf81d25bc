import type { Check } from '../domain/policy.ts';
import type { Task } from '../domain/task.ts';
import type { OverlapPolicy } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import type { Firing } from './fire.ts';

/** Most tasks of a trigger that wait with `buffer_all`. */
const maxBuffered = 100;

/** What the tasks of a trigger that are not finished say to one more. */
export interface Overlap {
  readonly policy: OverlapPolicy;
  /** the task that stands in the way */
  readonly blocking: Task | null;
  /** tasks that make room */
  readonly replaced: readonly Task[];
}

/** What stands in the way, for the record. */
export const blockedBy = ({ blocking, policy }: Overlap) => ({ taskId: blocking?.id ?? null, policy });

/** The same, as one of the checks; null where nothing could have stood in the way. */
export function checkOf({ blocking, policy }: Overlap): Check | null {
  if (policy === 'allow') return null;
  const check = { name: 'overlap', passed: blocking === null, limit: policy, value: blocking?.id ?? null };
  return blocking === null ? check : { ...check, reason: 'overlap_skipped' };
}

/** A task that waits in the queue counts too: otherwise an agent that is away would be met by a pile of them. */
export async function judgeOverlap(
  tx: Transaction,
  { trigger, workflow, isForced }: Pick<Firing, 'trigger' | 'workflow' | 'isForced'>,
): Promise<Overlap> {
  const policy = isForced ? 'allow' : (trigger.definition.overlap ?? workflow.definition.overlap);
  if (policy === 'allow') return { policy, blocking: null, replaced: [] };
  const unfinished = await tx.unfinishedTasks(trigger.id);
  const waiting = unfinished.filter(({ status }) => status === 'PENDING');
  const last = unfinished.at(-1) ?? null;
  switch (policy) {
    case 'skip':
      return { policy, blocking: unfinished[0] ?? null, replaced: [] };
    case 'buffer_one':
      return { policy, blocking: waiting[0] ?? null, replaced: [] };
    case 'buffer_all':
      return { policy, blocking: waiting.length >= maxBuffered ? last : null, replaced: [] };
    case 'cancel_other':
      return { policy, blocking: null, replaced: unfinished };
  }
}
