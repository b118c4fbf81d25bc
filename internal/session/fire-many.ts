import { isClosed } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import type { Occurrence, Workflow } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { maxRowsAtOnce } from '../store/workflow-store.ts';
import { statusOf } from './events.ts';
import { type Firing, kindOf, namedOf, occurrenceOf, ranAs, switchedOff, taskOf } from './fire.ts';
import type { EventWish } from './fire-event.ts';
import { governedBy } from './judge-run.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { recordOccurrences } from './record-occurrence.ts';
import { sessionOfWorkflow } from './session-of-workflow.ts';
import { makeTask } from './submit.ts';
import { checkManyTasks } from './task-limits.ts';

/** What became of one of many. */
export interface FiredOne {
  readonly occurrence: Occurrence;
  /** false: it was on record already */
  readonly isNew: boolean;
}

/** So many events are fired in one transaction. */
export const maxFiredAtOnce = maxRowsAtOnce;

/**
 * Fires one trigger by many events in one transaction, with a few statements for all of them. Only for triggers whose tasks
 * may overlap, and when nothing stands in the way of any.
 *
 * @param wishes  of one trigger, with different keys
 * @returns in the same order; null when they must be fired one by one: then nothing was written
 * @throws {UnavailableError} KERUTA_ERR_RATE_LIMITED when there is no room for all of them
 */
export async function fireMany(
  parts: SessionParts,
  wishes: readonly EventWish[],
): Promise<readonly FiredOne[] | null> {
  const triggerId = wishes[0]?.triggerId ?? '';
  if (wishes.some(({ isFiltered, before }) => isFiltered || before !== undefined)) return null;
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    await tx.lockTrigger(triggerId);
    const trigger = await tx.trigger(triggerId);
    const workflow = trigger === null ? null : await tx.workflow(trigger.workflowId);
    if (trigger === null || workflow === null) return null;
    if ((trigger.definition.overlap ?? workflow.definition.overlap) !== 'allow') return null;
    const firings = wishes.map((wish) => firingOf(parts, wish, { trigger, workflow, now }));
    return fireManyIn(tx, parts, { workflow, firings, now });
  });
}

/**
 * Fires many times inside a transaction, with a few statements for all of them. Only for times in whose way no task stands.
 *
 * @param many.firings  of one workflow, at most `maxFiredAtOnce`, with different keys
 * @returns as fireMany
 * @throws as fireMany
 */
export async function fireManyIn(
  tx: Transaction,
  parts: SessionParts,
  many: { readonly workflow: Workflow; readonly firings: readonly Firing[]; readonly now: number },
): Promise<readonly FiredOne[] | null> {
  const { workflow, firings, now } = many;
  if (firings.some((firing) => switchedOff(firing) !== null)) return null;
  // limits are for one after another
  if ((await governedBy(tx, parts, { workflow })) !== null) return null;
  const { definition } = workflow;
  const session = await sessionOfWorkflow(tx, { parts, caller: systemCaller, definition, now });
  await tx.lockSession(session.id);
  if (isClosed(session.status)) return null;
  const wanted = firings.map((firing) => {
    const task = makeTask({ parts, now }, taskOf(firing, session.id));
    const details = { ...kindOf(firing), ...ranAs(firing) };
    const ran = { decision: 'run', reason: firing.reason, taskId: task.id, details } as const;
    return { firing, task, occurrence: occurrenceOf(parts, firing, ran) };
  });
  const written = await recordOccurrences(
    tx,
    parts,
    wanted.map(({ firing, occurrence }) => namedOf(firing, occurrence)),
  );
  const fresh = wanted.filter(({ occurrence }) => written.has(occurrence.id));
  if (fresh.length > 0) await checkManyTasks(parts, tx, { session, count: fresh.length });
  await tx.insertTriggerEvents(fresh.flatMap(({ firing: { event } }) => (event ? [event] : [])));
  const tasks = fresh.map(({ task }) => task);
  await submitAll(tx, { tasks, sessionId: session.id, now });
  return Promise.all(wanted.map(({ occurrence }) => told(tx, occurrence, written)));
}

function firingOf(
  parts: SessionParts,
  { triggerId, source, key, kind, data, actor = 'system', at, parameters = {}, details = {} }: EventWish,
  on: Pick<Firing, 'trigger' | 'workflow' | 'now'>,
): Firing {
  const { now } = on;
  const event = { id: parts.random.uuid7(now), triggerId, kind, at: now, data };
  const times = { nominalAt: at ?? now, effectiveAt: at ?? now };
  return { ...on, ...times, key, source, reason: 'event', actor, event, parameters, details };
}

async function submitAll(
  tx: Transaction,
  born: {
    readonly tasks: readonly Task[];
    readonly sessionId: string;
    readonly now: number;
  },
): Promise<void> {
  const { tasks, sessionId, now } = born;
  if (tasks.length === 0) return;
  await tx.insertTasks(tasks);
  await tx.insertEvents(
    sessionId,
    tasks.map((task) => statusOf(task, now)),
  );
  tx.notify(`session:${sessionId}`);
}

async function told(
  tx: Transaction,
  occurrence: Occurrence,
  written: ReadonlySet<string>,
): Promise<FiredOne> {
  if (written.has(occurrence.id)) return { occurrence, isNew: true };
  const known = await tx.occurrence(occurrence.triggerId, occurrence.key);
  return { occurrence: known ?? occurrence, isNew: false };
}
