import type { Attempt } from '../domain/attempt.ts';
import { formatMoney } from '../domain/money.ts';
import type { Reads } from '../store/store.ts';

/** A run that was ended for what it spent says so, and not that somebody cancelled it: its agent cannot tell the two apart. */
export async function withCostReason(reads: Reads, attempt: Attempt): Promise<Attempt> {
  if (attempt.endReason !== 'cancel') return attempt;
  const held = await reads.reservation(attempt.taskId);
  return held === null || held.exceededAt === null ? attempt : { ...attempt, endReason: 'cost_limit' };
}

/** What is said of such an end when the run itself said nothing. */
export async function costMessage(reads: Reads, attempt: Attempt): Promise<string> {
  const held = attempt.endReason === 'cost_limit' ? await reads.reservation(attempt.taskId) : null;
  return held === null
    ? ''
    : `cancelled: it spent ${formatMoney(held.spentMicro)} dollars, and may spend no more`;
}
