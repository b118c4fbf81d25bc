import type { Trigger, Workflow } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { maxRowsAtOnce } from '../store/workflow-store.ts';
import { decideDue } from '../trigger/decide-due.ts';
import { zoneOf } from './apply-workflow.ts';
import type { Firing } from './fire.ts';
import { fireManyIn } from './fire-many.ts';
import { firingAt } from './firing-at.ts';
import type { SessionParts } from './parts.ts';
import { dueStateOf, zoneData } from './trigger-times.ts';

/** So many triggers are decided in one transaction. */
export const maxDecidedAtOnce = maxRowsAtOnce;

/** A trigger of which one instant has passed, which runs. */
interface Plain {
  readonly firing: Firing;
  readonly cursor: number;
  readonly nextAt: number | null;
}

/**
 * Decides, in one transaction, the triggers of which there is little to say: one instant has passed, it is on time, and nothing
 * stands in its way. Of many that fall due at once nearly all are such.
 *
 * @param ids  at most `maxDecidedAtOnce`
 * @returns the ids of those that were decided; of the others nothing was written. Never rejects
 */
export async function decidePlain(
  parts: SessionParts,
  ids: readonly string[],
  now: number,
): Promise<ReadonlySet<string>> {
  // there is nothing to gain
  if (ids.length === 1) return new Set();
  try {
    return await parts.store.transact((tx) => decideIn(tx, parts, { ids, now }));
  } catch (error) {
    parts.log.debug('triggers could not be decided together; each is decided by itself', { error });
    return new Set();
  }
}

async function decideIn(
  tx: Transaction,
  parts: SessionParts,
  { ids, now }: { readonly ids: readonly string[]; readonly now: number },
): Promise<ReadonlySet<string>> {
  const taken: string[] = [];
  for (const id of ids) if (await tx.takeTrigger(id)) taken.push(id);
  const triggers = (await tx.triggersOf(taken)).filter(({ nextAt }) => nextAt !== null && nextAt <= now);
  const busy = await tx.busyTriggers(triggers.map(({ id }) => id));
  const decided = new Set<string>();
  for (const [workflowId, own] of byWorkflow(triggers)) {
    const workflow = await tx.workflow(workflowId);
    if (workflow === null) continue;
    const plain = own.flatMap((trigger) => plainOf(parts, { trigger, workflow, busy, now }) ?? []);
    const firings = plain.map(({ firing }) => firing);
    if (plain.length === 0 || (await fireManyIn(tx, parts, { workflow, firings, now })) === null) continue;
    await tx.moveTriggers(
      plain.map(({ firing, cursor, nextAt }) => ({ id: firing.trigger.id, cursor, nextAt })),
      { zoneData, now },
    );
    for (const { firing } of plain) decided.add(firing.trigger.id);
  }
  return decided;
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
  const [instant, ...more] = instants;
  if (instant === undefined || more.length > 0 || instant.reason !== 'due') return null;
  return { firing: firingAt({ trigger, workflow, instant, now }), cursor, nextAt };
}
