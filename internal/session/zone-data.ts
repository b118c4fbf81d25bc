import type { Transaction } from '../store/store.ts';
import { firstOf } from '../trigger/decide-due.ts';
import { zoneOf } from './apply-workflow.ts';
import type { SessionParts } from './parts.ts';
import { dueStateOf, zoneData } from './trigger-times.ts';

/**
 * Computes anew when triggers fall due whose next instant was computed with other time zone data: zones change by decree, and
 * a program that was updated may know of it. Each one is logged with both instants.
 *
 * @param current  version of the time zone data; default that of this program
 * @returns how many were computed anew
 */
export async function refreshZoneData(parts: SessionParts, current: string = zoneData): Promise<number> {
  const { store, log } = parts;
  const stale = (await store.triggers({})).filter((one) => one.cursor !== null && one.zoneData !== current);
  const now = await store.now();
  for (const { id } of stale) {
    try {
      await store.transact((tx) => refresh(tx, { parts, id, now, current }));
    } catch (error) {
      log.error('the next instant of a trigger could not be computed anew', { triggerId: id, error });
    }
  }
  return stale.length;
}

async function refresh(
  tx: Transaction,
  about: {
    readonly parts: SessionParts;
    readonly id: string;
    readonly now: number;
    readonly current: string;
  },
): Promise<void> {
  const { parts, id, now, current } = about;
  await tx.lockTrigger(id);
  const trigger = await tx.trigger(id);
  const workflow = trigger === null ? null : await tx.workflow(trigger.workflowId);
  if (trigger === null || workflow === null || trigger.zoneData === current) return;
  const state = dueStateOf(trigger, { workflow: workflow.definition, zone: zoneOf(parts), now });
  const nextAt = state === null ? null : (firstOf(state, state.cursor)?.effectiveAt ?? null);
  await tx.putTrigger({ ...trigger, nextAt, zoneData: current, updatedAt: now });
  tx.notify('triggers');
  parts.log.info('the time zone data changed; the next instant of a trigger was computed anew', {
    ...{ workflow: workflow.name, trigger: trigger.name, zone: state?.schedule.zone ?? null },
    ...{ zoneDataBefore: trigger.zoneData, zoneData: current },
    ...{ nextAtBefore: iso(trigger.nextAt), nextAt: iso(nextAt) },
  });
}

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());
