import type { DeliveredTo } from './deliver.ts';
import type { Caller, SessionParts } from './parts.ts';
import { replayEvent } from './replay.ts';

/**
 * Fires once more what a delivery fired before: for a person who lets the sender send it again on purpose. What it fires for
 * the first time is fired once.
 * @throws {NotFoundError} KERUTA_ERR_EVENT_NOT_FOUND when the event was of long ago and is not kept any more
 */
export function rerunDuplicates(
  parts: SessionParts,
  caller: Caller,
  to: readonly DeliveredTo[],
): Promise<DeliveredTo[]> {
  return Promise.all(to.map((one) => rerun(parts, caller, one)));
}

async function rerun(parts: SessionParts, caller: Caller, one: DeliveredTo): Promise<DeliveredTo> {
  // what was filtered has no event, and would be filtered again
  if (one.status !== 'duplicate' || one.eventId === null) return one;
  const { occurrence } = await replayEvent(parts, { caller, workflow: one.workflow, event: one.eventId });
  const { decision, reason, taskId, id: occurrenceId } = occurrence;
  return { ...one, status: decision === 'run' ? 'accepted' : 'skipped', reason, taskId, occurrenceId };
}
