import type { Trigger, Workflow } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { decideDue } from '../trigger/decide-due.ts';
import { zoneOf } from './apply-workflow.ts';
import type { SessionParts } from './parts.ts';
import { become } from './tick.ts';
import { dueStateOf, zoneDataOf } from './trigger-times.ts';

/** A held trigger that goes on. */
export interface LettingGo {
  readonly found: { readonly trigger: Trigger; readonly workflow: Workflow };
  /** `store.now()`; epoch ms */
  readonly now: number;
  /** whether what it let pass is made good as its policy says; else it is put on record as paused */
  readonly catchUp: boolean;
}

/** Lets a trigger go on, in a transaction that holds it. @returns the trigger as written */
export async function letGo(tx: Transaction, parts: SessionParts, letting: LettingGo): Promise<Trigger> {
  const { found, now } = letting;
  const awake = { ...found.trigger, pausedAt: null, updatedAt: now };
  const settling = { ...letting, found: { ...found, trigger: awake } };
  const resumed = { ...awake, ...(await settle(tx, parts, settling)) };
  await tx.putTrigger(resumed);
  tx.notify('triggers');
  return resumed;
}

async function settle(
  tx: Transaction,
  parts: SessionParts,
  { found, now, catchUp }: LettingGo,
): Promise<Pick<Trigger, 'cursor' | 'nextAt' | 'zoneData'>> {
  const { trigger, workflow } = found;
  const state = dueStateOf(trigger, { workflow: workflow.definition, zone: zoneOf(parts), now });
  if (state === null) return { cursor: null, nextAt: null, zoneData: zoneDataOf(null) };
  const { instants, cursor, nextAt } = decideDue(state);
  for (const [n, instant] of instants.entries()) {
    const what = { parts, trigger, workflow, instant, now: now + n };
    await become(tx, catchUp ? what : { ...what, instead: 'paused' });
  }
  return { cursor: catchUp ? cursor : now, nextAt, zoneData: zoneDataOf(state.schedule) };
}
