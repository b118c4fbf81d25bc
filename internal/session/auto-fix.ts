import { onTask } from './fence.ts';
import { type FixMade, makeFixTask } from './fix-task.ts';
import type { Caller, SessionParts } from './parts.ts';

/**
 * Makes the fix task of a failing task on a plain client's word, before or after its FAILED arrives. Once per attempt:
 * said again, or asked for by the final report too, it gives the same task.
 *
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND
 * @throws {ConflictError} KERUTA_ERR_SESSION_CLOSED
 */
export async function autoFix(
  parts: SessionParts,
  wish: {
    readonly caller: Caller;
    readonly taskId: string;
    readonly errorMessage: string;
    readonly errorCode: string;
  },
): Promise<FixMade> {
  const { errorMessage, errorCode } = wish;
  return onTask(parts, wish, (tx, { task, now }) => {
    const failure = { errorMessage, errorCode, occurredAt: now, bundle: null, fingerprint: null };
    return makeFixTask(tx, { parts, task, failure, way: { script: null, byAgent: false }, now });
  });
}
