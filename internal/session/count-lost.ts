import type { EndReason } from '../domain/outcome.ts';
import type { Reads } from '../store/store.ts';

const lost: readonly (EndReason | null)[] = [
  'agent_lost',
  'shim_lost',
  'pod_lost',
  'pod_evicted',
  'lost_lease',
];

/** How many runs of a task ended without anybody knowing how; those that may still come back are not counted. */
export async function countLost(reads: Reads, taskId: string): Promise<number> {
  const attempts = await reads.attempts(taskId);
  return attempts.filter(({ endReason }) => lost.includes(endReason)).length;
}
