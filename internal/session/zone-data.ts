import type { Trigger } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { firstOf } from '../trigger/decide-due.ts';
import { zoneOf } from './apply-workflow.ts';
import type { SessionParts } from './parts.ts';
import { dueStateOf, scheduleOf, zoneDataOf } from './trigger-times.ts';

/**
 * Computes anew when triggers fall due whose next instant was computed with other time zone data, or in another zone: zones
 * change by decree, and a program that was updated may know of it; and a trigger without a zone of its own follows that of the
 * server. In another zone its rule is another one: nothing is made good of the old, nothing invented of the new. Each one is
 * logged with both instants.
 *
 * @returns how many were computed anew
 */
export async function refreshZoneData(parts: SessionParts): Promise<number> {
  const { store, log } = parts;
  const now = await store.now();
  let count = 0;
  for (const trigger of await store.triggers({})) {
    try {
      if (!isStale(parts, trigger)) continue;
      count++;
      await store.transact((tx) => refresh(tx, { parts, id: trigger.id, now }));
    } catch (error) {
      log.error('the next instant of a trigger could not be computed anew', { triggerId: trigger.id, error });
    }
  }
  return count;
}

function isStale(parts: SessionParts, { id, cursor, createdAt, definition, zoneData }: Trigger): boolean {
  if (cursor === null) return false;
  const schedule = scheduleOf(definition, { triggerId: id, zone: zoneOf(parts), anchorMs: createdAt });
  return zoneData !== zoneDataOf(schedule);
}

async function refresh(
  tx: Transaction,
  { parts, id, now }: { readonly parts: SessionParts; readonly id: string; readonly now: number },
): Promise<void> {
  await tx.lockTrigger(id);
  const trigger = await tx.trigger(id);
  const workflow = trigger === null ? null : await tx.workflow(trigger.workflowId);
  // another server that starts does the same
  if (trigger === null || workflow === null || !isStale(parts, trigger)) return;
  const state = dueStateOf(trigger, { workflow: workflow.definition, zone: zoneOf(parts), now });
  const zoneData = zoneDataOf(state?.schedule ?? null);
  const [, zoneBefore] = trigger.zoneData.split(' ');
  const isOtherZone = zoneBefore !== undefined && zoneBefore !== state?.schedule.zone;
  const cursor = isOtherZone ? now : trigger.cursor;
  const nextAt = state === null || cursor === null ? null : (firstOf(state, cursor)?.effectiveAt ?? null);
  await tx.putTrigger({ ...trigger, cursor, nextAt, zoneData, updatedAt: now });
  tx.notify('triggers');
  parts.log.info('the time zone of a trigger, or its data, changed; its next instant was computed anew', {
    ...{ workflow: workflow.name, trigger: trigger.name, zone: state?.schedule.zone ?? null },
    ...{ zoneDataBefore: trigger.zoneData, zoneData },
    ...{ nextAtBefore: iso(trigger.nextAt), nextAt: iso(nextAt) },
  });
}

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());
