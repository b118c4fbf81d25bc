/** Decides what has fallen due: for each trigger one transaction, which only one of several servers gets. */
import type { OccurrenceReason, Trigger, Workflow } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { type DueInstant, decideDue } from '../trigger/decide-due.ts';
import { zoneOf } from './apply-workflow.ts';
import { decidePlain, maxDecidedAtOnce } from './decide-plain.ts';
import { fireIn, skip } from './fire.ts';
import { firingAt } from './firing-at.ts';
import type { SessionParts } from './parts.ts';
import { dueStateOf, zoneDataOf } from './trigger-times.ts';

/** Most triggers that are decided before others get a turn at the store. */
const batchSize = maxDecidedAtOnce;

/**
 * Decides every instant of every trigger that has passed: those that are plain together, the others each by itself, at the same
 * time, so that the embedded store flushes its disk once for all of them.
 * @param onFault  told why one could not be decided; it is due still
 * @returns how many triggers were looked at; as many as there were due when no other server was at it
 */
export async function tick(
  parts: SessionParts,
  signal: AbortSignal,
  onFault: (error: unknown) => void = () => {},
): Promise<number> {
  const { store, log } = parts;
  let looked = 0;
  for (;;) {
    const now = await store.now();
    const ids = await store.dueTriggers(now, batchSize);
    if (ids.length === 0 || signal.aborted) return looked;
    const plain = await decidePlain(parts, ids, now);
    const decide = async (id: string) => {
      try {
        return await store.transact((tx) => decideOne(tx, { parts, id, now }));
      } catch (error) {
        log.error('a trigger could not be decided; it is tried again', { triggerId: id, error });
        onFault(error);
        return false;
      }
    };
    const others = ids.filter((id) => !plain.decided.has(id) && !plain.later.has(id));
    const alone = (await Promise.all(others.map(decide))).filter(Boolean).length;
    const decided = plain.decided.size + alone;
    looked += decided;
    // what another server has, or what failed, is not for this round
    if (decided === 0) return looked;
  }
}

async function decideOne(
  tx: Transaction,
  { parts, id, now }: { readonly parts: SessionParts; readonly id: string; readonly now: number },
): Promise<boolean> {
  if (!(await tx.takeTrigger(id))) return false;
  const trigger = await tx.trigger(id);
  if (trigger === null || trigger.nextAt === null || trigger.nextAt > now) return false;
  const workflow = await tx.workflow(trigger.workflowId);
  if (workflow === null) return false;
  const state = dueStateOf(trigger, { workflow: workflow.definition, zone: zoneOf(parts), now });
  if (state === null) {
    await tx.putTrigger({ ...trigger, nextAt: null, updatedAt: now });
    return true;
  }
  const { instants, cursor, nextAt } = decideDue(state);
  // a queue goes by the time at which tasks were made: what fell due first runs first
  for (const [n, instant] of instants.entries())
    await become(tx, { parts, trigger, workflow, instant, now: now + n });
  const zoneData = zoneDataOf(state.schedule);
  await tx.putTrigger({ ...trigger, cursor, nextAt, zoneData, updatedAt: now });
  return true;
}

/** Puts one instant on record, and makes its task when it runs. */
export async function become(
  tx: Transaction,
  what: {
    readonly parts: SessionParts;
    readonly trigger: Trigger;
    readonly workflow: Workflow;
    readonly instant: DueInstant;
    readonly now: number;
    /** the reason why it does not run, whatever was decided */
    readonly instead?: OccurrenceReason;
  },
): Promise<void> {
  const { parts, instant } = what;
  const { reason } = instant;
  const firing = firingAt(what);
  if (what.instead === undefined && (reason === 'due' || reason === 'caught_up')) {
    await fireIn(tx, parts, { ...firing, reason });
    return;
  }
  const details = instant.until === undefined ? {} : { until: new Date(instant.until).toISOString() };
  const why = what.instead ?? reason;
  await skip(tx, parts, { firing, reason: why, details });
}
