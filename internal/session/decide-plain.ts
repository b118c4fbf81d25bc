import type { Trigger, Workflow } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { maxRowsAtOnce } from '../store/workflow-store.ts';
import { decideDue } from '../trigger/decide-due.ts';
import { zoneOf } from './apply-workflow.ts';
import type { Firing } from './fire.ts';
import { fireManyIn } from './fire-many.ts';
import { firingAt } from './firing-at.ts';
import type { SessionParts } from './parts.ts';
import { dueStateOf, zoneDataOf } from './trigger-times.ts';

/** So many triggers are decided in one transaction. */
export const maxDecidedAtOnce = maxRowsAtOnce;

/** A trigger all of whose instants that have passed run. */
interface Plain {
  readonly id: string;
  /** in the order of time; at least one */
  readonly firings: readonly Firing[];
  readonly cursor: number;
  readonly nextAt: number | null;
  readonly zoneData: string;
}

/** What became of triggers that were looked at together. */
export interface DecidedPlain {
  readonly decided: ReadonlySet<string>;
  /** as plain as those, and too many for one transaction: they are due still */
  readonly later: ReadonlySet<string>;
}

/**
 * Decides, in one transaction, the triggers of which there is little to say: one instant has passed, it is on time, and nothing
 * stands in its way; or several have, and their tasks may overlap. Of many that fall due at once nearly all are such, also
 * when the servers were away for a while.
 *
 * @param ids  at most `maxDecidedAtOnce`
 * @returns of those that are neither decided nor for later nothing was written: each is for itself. Never rejects
 */
export async function decidePlain(
  parts: SessionParts,
  ids: readonly string[],
  now: number,
): Promise<DecidedPlain> {
  // there is nothing to gain
  if (ids.length === 1) return none;
  try {
    return await parts.store.transact((tx) => decideIn(tx, parts, { ids, now }));
  } catch (error) {
    parts.log.debug('triggers could not be decided together; each is decided by itself', { error });
    return none;
  }
}

const none: DecidedPlain = { decided: new Set(), later: new Set() };

async function decideIn(
  tx: Transaction,
  parts: SessionParts,
  { ids, now }: { readonly ids: readonly string[]; readonly now: number },
): Promise<DecidedPlain> {
  const taken: string[] = [];
  for (const id of ids) if (await tx.takeTrigger(id)) taken.push(id);
  const triggers = (await tx.triggersOf(taken)).filter(({ nextAt }) => nextAt !== null && nextAt <= now);
  const busy = await tx.busyTriggers(triggers.map(({ id }) => id));
  const decided = new Set<string>();
  const later = new Set<string>();
  let room = maxRowsAtOnce;
  for (const [workflowId, own] of byWorkflow(triggers)) {
    const workflow = await tx.workflow(workflowId);
    if (workflow === null) continue;
    const plain: Plain[] = [];
    for (const trigger of own) {
      const one = plainOf(parts, { trigger, workflow, busy, now });
      if (one === null) continue;
      if (one.firings.length > room) {
        later.add(trigger.id);
        continue;
      }
      room -= one.firings.length;
      plain.push(one);
    }
    // a queue goes by the order in which tasks were made: what fell due first runs first
    const firings = plain.flatMap((one) => one.firings).toSorted((a, b) => a.effectiveAt - b.effectiveAt);
    if (plain.length === 0 || (await fireManyIn(tx, parts, { workflow, firings, now })) === null) continue;
    await tx.moveTriggers(
      plain.map(({ id, cursor, nextAt, zoneData }) => ({ id, cursor, nextAt, zoneData })),
      now,
    );
    for (const { id } of plain) decided.add(id);
  }
  return { decided, later: decided.size > 0 ? later : new Set() };
}

/** Always in the same order, so that two servers do not wait for each other's sessions. */
function byWorkflow(triggers: readonly Trigger[]): [string, Trigger[]][] {
  const groups = Map.groupBy(triggers, ({ workflowId }) => workflowId);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** null: it is for itself. */
function plainOf(
  parts: SessionParts,
  about: {
    readonly trigger: Trigger;
    readonly workflow: Workflow;
    readonly busy: ReadonlySet<string>;
    readonly now: number;
  },
): Plain | null {
  const { trigger, workflow, busy, now } = about;
  const overlap = trigger.definition.overlap ?? workflow.definition.overlap;
  if (overlap !== 'allow' && busy.has(trigger.id)) return null;
  const state = dueStateOf(trigger, { workflow: workflow.definition, zone: zoneOf(parts), now });
  if (state === null) return null;
  const { instants, cursor, nextAt } = decideDue(state);
  const runs = instants.flatMap((instant) =>
    instant.reason === 'due' || instant.reason === 'caught_up' ? [{ instant, reason: instant.reason }] : [],
  );
  if (runs.length === 0 || runs.length < instants.length || runs.length > maxRowsAtOnce) return null;
  // one after another they may stand in each other's way
  const isOne = runs.length === 1 && runs[0]?.reason === 'due';
  if (overlap !== 'allow' && !isOne) return null;
  const firings = runs.map(({ instant, reason }) => ({
    ...firingAt({ trigger, workflow, instant, now }),
    reason,
  }));
  return { id: trigger.id, firings, cursor, nextAt, zoneData: zoneDataOf(state.schedule) };
}
