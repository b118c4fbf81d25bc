import { withCostReason } from './cost-end.ts';
import { decidesTask, type EndReport, endTask, judgeAttempt, withEnd } from './end-attempt.ts';
import { type AttemptRef, onAttempt } from './fence.ts';
import type { SessionParts } from './parts.ts';

/**
 * Makes the end of a run visible at once; its last bytes and messages may still come, and `finish` closes it. Whether
 * the task is tried again is decided there, not here. Said again, or after `finish`, it changes nothing.
 *
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED
 */
export async function reportExited(
  parts: SessionParts,
  ref: AttemptRef & { readonly report: EndReport },
): Promise<void> {
  await onAttempt(parts, { ...ref, settled: true }, async (tx, held) => {
    if (held.attempt.state === 'finished' || held.attempt.state === 'exited') return;
    const attempt = await withCostReason(tx, withEnd(held.attempt, ref.report));
    const leaseUntil = attempt.leaseUntil === null ? null : held.leaseNow + held.timing.leaseMs;
    await tx.putAttempt({ ...attempt, state: 'exited', leaseUntil });
    if (!(await decidesTask(tx, held))) return;
    await endTask(tx, held, { attempt, outcome: judgeAttempt(attempt, ref.report), logComplete: false });
  });
}
