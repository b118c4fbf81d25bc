/**
 * What happens when a trigger fires: one occurrence on record, and a task, or the reason why there is none. Both are written in
 * one transaction under the occurrence's key, so that the same event, told twice or to two servers, counts once.
 */
import { KerutaError, UnavailableError } from '../domain/errors.ts';
import type { Session } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import type {
  Occurrence,
  OccurrenceReason,
  OccurrenceSource,
  Trigger,
  TriggerEvent,
  Workflow,
} from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { askApproval } from './ask-approval.ts';
import { cancelTaskIn } from './cancel.ts';
import { refOfEvent } from './github-origin.ts';
import { beginReport } from './github-report.ts';
import { blockedBy, checkOf, judgeOverlap, type Overlap } from './judge-overlap.ts';
import { governedBy, type Judged, judgeRun, modeOf, useLimits } from './judge-run.ts';
import { announceShadow } from './notify/announce-waits.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { type NamedOccurrence, recordInstead, recordOccurrence } from './record-occurrence.ts';
import { sessionOfWorkflow } from './session-of-workflow.ts';
import { submitTaskIn } from './submit.ts';
import { taskFields } from './task-fields.ts';

/** One time that a trigger fires. */
export interface Firing {
  readonly trigger: Trigger;
  readonly workflow: Workflow;
  /** unique within the trigger */
  readonly key: string;
  readonly source: OccurrenceSource;
  /** epoch ms */
  readonly nominalAt: number;
  /** epoch ms */
  readonly effectiveAt: number;
  /** `store.now()` from before the transaction; epoch ms */
  readonly now: number;
  /** why it runs, if nothing stands in the way */
  readonly reason: Extract<OccurrenceReason, 'due' | 'caught_up' | 'asked' | 'event'>;
  /** token id, or `system` */
  readonly actor: string;
  readonly event?: TriggerEvent;
  /** whether the event was kept before: it is fired once more */
  readonly isEventKept?: boolean;
  /** whether the event does not count: it is on record, but nothing of it is kept */
  readonly isFiltered?: boolean;
  /** why it does not count, in one word */
  readonly filteredBy?: string;
  /** whether it comes again when there is no room for a task now: then that is thrown, and nothing is on record */
  readonly isHandedInAgain?: boolean;
  /** over those of the workflow */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** whether a person wants it to run although the trigger is switched off, and whatever is under way */
  readonly isForced?: boolean;
  /** roles that have said yes to it */
  readonly approved?: readonly string[];
  /** a row of the same key on which nothing ran: it gives way to the run */
  readonly instead?: Occurrence;
  /** put on record with it */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What became of it. */
export interface Fired {
  readonly occurrence: Occurrence;
  readonly task: Task | null;
  /** false: it was on record already */
  readonly isNew: boolean;
  /** why a row that was to give way to a run did not */
  readonly refused?: {
    readonly reason: OccurrenceReason;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

/** Fires inside a transaction. Looks at the trigger again only as far as it was handed in: take it before. */
export async function fireIn(tx: Transaction, parts: SessionParts, firing: Firing): Promise<Fired> {
  const known = await tx.occurrence(firing.trigger.id, firing.key);
  if (known !== null && (firing.instead === undefined || known.decision === 'run')) {
    const task = known.taskId === null ? null : await tx.task(known.taskId);
    return { occurrence: known, task, isNew: false };
  }
  if (firing.isFiltered) {
    const { event: _, ...rest } = firing;
    return skip(tx, parts, { firing: rest, reason: 'filtered', details: filterOf(firing) });
  }
  if (firing.event && !firing.isEventKept) await tx.insertTriggerEvent(firing.event);
  const off = firing.isForced ? null : switchedOff(firing);
  if (off !== null) return skip(tx, parts, { firing, reason: off });
  const overlap = await judgeOverlap(tx, firing);
  const governed = await governedBy(tx, parts, firing);
  if (governed === null) {
    if (overlap.blocking === null)
      return run(tx, parts, { firing, replaced: overlap.replaced, judged: null });
    return skip(tx, parts, { firing, reason: 'overlap_skipped', details: blockedBy(overlap) });
  }
  const judged = await judgeRun(tx, { firing, governed, overlap: checkOf(overlap) });
  const { decision, isShadow } = judged.verdict;
  if (decision === 'allow' && !isShadow)
    return run(tx, parts, { firing, replaced: overlap.replaced, judged });
  return hold(tx, parts, { firing, judged, overlap });
}

/** Puts on record what the policies do not let run, or not now. */
async function hold(
  tx: Transaction,
  parts: SessionParts,
  what: { readonly firing: Firing; readonly judged: Judged; readonly overlap: Overlap },
): Promise<Fired> {
  const { firing, judged, overlap } = what;
  const { verdict } = judged;
  const known = { ...ranAs(firing), checks: verdict.checks };
  if (verdict.decision === 'deny') {
    const reason = (verdict.reason ?? 'failed') as OccurrenceReason;
    const blocking = reason === 'overlap_skipped' ? blockedBy(overlap) : {};
    return skip(tx, parts, { firing, reason, details: { ...known, ...blocking } });
  }
  if (verdict.isShadow) {
    await announceShadow(tx, parts, firing);
    return skip(tx, parts, { firing, reason: 'shadow', details: known });
  }
  const asked = await askApproval(tx, parts, { firing, judged });
  return skip(tx, parts, { firing, reason: 'approval_asked', details: { ...known, ...asked } });
}

/** Puts on record that an instant, or a range of them, was not run. */
export async function skip(
  tx: Transaction,
  parts: SessionParts,
  skipped: {
    readonly firing: Firing;
    readonly reason: OccurrenceReason;
    readonly details?: Readonly<Record<string, unknown>>;
  },
): Promise<Fired> {
  const { firing, reason, details = {} } = skipped;
  const occurrence = occurrenceOf(parts, firing, { decision: 'skipped', reason, taskId: null, details });
  if (firing.instead !== undefined)
    return { occurrence: firing.instead, task: null, isNew: false, refused: { reason, details } };
  const isNew = await recordOccurrence(tx, parts, namedOf(firing, occurrence));
  return { occurrence, task: null, isNew };
}

/** Why a trigger does not fire at all now; null when it does. */
export function switchedOff({
  trigger,
  workflow,
}: Pick<Firing, 'trigger' | 'workflow'>): OccurrenceReason | null {
  if (!workflow.enabled || !trigger.enabled) return 'disabled';
  return trigger.pausedAt === null ? null : 'paused';
}

async function run(
  tx: Transaction,
  parts: SessionParts,
  {
    firing,
    replaced,
    judged,
  }: { readonly firing: Firing; readonly replaced: readonly Task[]; readonly judged: Judged | null },
): Promise<Fired> {
  const { workflow, now } = firing;
  const caller = { ...systemCaller, actor: firing.actor };
  const wanted = { parts, caller, definition: workflow.definition, now };
  const session = judged?.session ?? (await sessionOfWorkflow(tx, wanted));
  await tx.lockSession(session.id);
  for (const task of replaced) {
    // one of another session is of a definition that was changed meanwhile
    await tx.lockSession(task.sessionId);
    await cancelTaskIn(tx, { parts, caller }, { task, now });
  }
  try {
    const newTask = { ...taskOf(firing, session.id), ...refOf(firing, session) };
    const key = `trigger:${firing.trigger.id}:${firing.key}`;
    const { task } = await submitTaskIn(tx, {
      parts,
      caller,
      newTask,
      now,
      limited: true,
      idempotencyKey: key,
    });
    const cancelled = replaced.length === 0 ? {} : { cancelled: replaced.map(({ id }) => id) };
    if (judged !== null) await useLimits(tx, judged, { firing, task });
    const checks = judged === null ? {} : { checks: judged.verdict.checks };
    const details = { ...kindOf(firing), ...ranAs(firing), ...cancelled, ...checks };
    const ran = { decision: 'run', reason: firing.reason, taskId: task.id, details } as const;
    const occurrence = occurrenceOf(parts, firing, ran);
    const named = namedOf(firing, occurrence);
    if (firing.instead === undefined) await recordOccurrence(tx, parts, named);
    else await recordInstead(tx, parts, named);
    await beginReport(tx, parts, { ...firing, event: firing.event, task });
    return { occurrence, task, isNew: true };
  } catch (error) {
    const reason = refusalOf(error);
    if (reason === null) throw error;
    if (reason === 'queue_full' && firing.isHandedInAgain) throw queueFull(error);
    const details = { message: (error as Error).message };
    return skip(tx, parts, { firing, reason, details });
  }
}

function refOf({ trigger, event, workflow }: Firing, session: Session): { readonly ref?: string } {
  if (trigger.type !== 'github') return {};
  return refOfEvent(event, { template: workflow.definition.run, session });
}

/** What a submission is refused for by rule, not by a fault. Nothing was written then. */
export function refusalOf(error: unknown): OccurrenceReason | null {
  if (!(error instanceof KerutaError)) return null;
  if (error.code === 'KERUTA_ERR_SESSION_CLOSED') return 'session_closed';
  return error.code === 'KERUTA_ERR_RATE_LIMITED' ? 'queue_full' : null;
}

/** There is no room in the queue, which is not the sender's fault; a rate that is exceeded is. */
function queueFull(error: unknown): unknown {
  if (!(error instanceof KerutaError) || error.details.limit !== 'maxPendingTasks') return error;
  return new UnavailableError('KERUTA_ERR_QUEUE_FULL', error.message, {
    details: error.details,
    cause: error,
  });
}

/** Of an event, so that the task can be told without its data. */
export function kindOf({ event }: Firing): Readonly<Record<string, unknown>> {
  return event === undefined || event.kind === '' ? {} : { kind: event.kind };
}

function filterOf(firing: Firing): Readonly<Record<string, unknown>> {
  const { filteredBy } = firing;
  return { ...kindOf(firing), ...(filteredBy === undefined ? {} : { filteredBy }) };
}

/** Which of two actions it is, where there are two. */
export function ranAs(firing: Firing): Readonly<Record<string, unknown>> {
  const mode = modeOf(firing);
  return mode === null ? {} : { mode };
}

/** The task that a firing asks for. */
export function taskOf(firing: Firing, sessionId: string) {
  const { workflow, trigger, parameters } = firing;
  const { run: agent, fallback, retry, concurrency } = workflow.definition;
  const template = fallback && modeOf(firing) === 'classic' ? fallback.task : agent;
  const { maxAttempts, ...rule } = retry;
  const isRepeated = maxAttempts > 1 || rule.lostRetries > 0 || rule.deadlineMs !== null;
  return {
    ...taskFields(template, workflow.name),
    sessionId,
    parameters: { ...template.parameters, ...parameters },
    retryCount: maxAttempts - 1,
    retry: isRepeated ? rule : null,
    concurrency,
    triggerId: trigger.id,
  };
}

/** A firing as it is put on record. */
export function occurrenceOf(
  parts: SessionParts,
  firing: Firing,
  became: Pick<Occurrence, 'decision' | 'reason' | 'taskId' | 'details'>,
): Occurrence {
  const { trigger, workflow, now } = firing;
  return {
    id: firing.instead?.id ?? parts.random.uuid7(now),
    triggerId: trigger.id,
    key: firing.key,
    workflowId: workflow.id,
    workflowVersion: workflow.version,
    source: firing.source,
    nominalAt: firing.nominalAt,
    effectiveAt: firing.effectiveAt,
    decidedAt: now,
    eventId: firing.event?.id ?? null,
    actor: firing.actor,
    ...became,
    details: { ...firing.details, ...became.details },
  };
}

/** An occurrence with the names of what it is of. */
export function namedOf(
  { trigger, workflow }: Pick<Firing, 'trigger' | 'workflow'>,
  occurrence: Occurrence,
): NamedOccurrence {
  return { occurrence, workflow: workflow.name, trigger: trigger.name };
}
