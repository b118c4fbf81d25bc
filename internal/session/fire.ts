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
  OverlapPolicy,
  TaskTemplate,
  Trigger,
  TriggerEvent,
  Workflow,
} from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { cancelTaskIn } from './cancel.ts';
import { refOfEvent } from './github-origin.ts';
import { beginReport } from './github-report.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { sessionOfWorkflow } from './session-of-workflow.ts';
import { submitTaskIn } from './submit.ts';

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
}

/** Most tasks of a trigger that wait with `buffer_all`. */
const maxBuffered = 100;

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
  if (overlap.blocking !== null) {
    const details = { taskId: overlap.blocking.id, policy: overlap.policy };
    return skip(tx, parts, { firing, reason: 'overlap_skipped', details });
  }
  return run(tx, parts, { firing, replaced: overlap.replaced });
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
  if (firing.instead !== undefined) return { occurrence: firing.instead, task: null, isNew: false };
  const isNew = await tx.insertOccurrence(occurrence);
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

interface Overlap {
  readonly policy: OverlapPolicy;
  /** the task that stands in the way */
  readonly blocking: Task | null;
  /** tasks that make room */
  readonly replaced: readonly Task[];
}

/** A task that waits in the queue counts too: otherwise an agent that is away would be met by a pile of them. */
async function judgeOverlap(tx: Transaction, { trigger, workflow, isForced }: Firing): Promise<Overlap> {
  const policy = isForced ? 'allow' : (trigger.definition.overlap ?? workflow.definition.overlap);
  if (policy === 'allow') return { policy, blocking: null, replaced: [] };
  const unfinished = await tx.unfinishedTasks(trigger.id);
  const waiting = unfinished.filter(({ status }) => status === 'PENDING');
  const last = unfinished.at(-1) ?? null;
  switch (policy) {
    case 'skip':
      return { policy, blocking: unfinished[0] ?? null, replaced: [] };
    case 'buffer_one':
      return { policy, blocking: waiting[0] ?? null, replaced: [] };
    case 'buffer_all':
      return { policy, blocking: waiting.length >= maxBuffered ? last : null, replaced: [] };
    case 'cancel_other':
      return { policy, blocking: null, replaced: unfinished };
  }
}

async function run(
  tx: Transaction,
  parts: SessionParts,
  { firing, replaced }: { readonly firing: Firing; readonly replaced: readonly Task[] },
): Promise<Fired> {
  const { workflow, now } = firing;
  const caller = { ...systemCaller, actor: firing.actor };
  const session = await sessionOfWorkflow(tx, { parts, caller, definition: workflow.definition, now });
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
    const details = { ...kindOf(firing), ...cancelled };
    const ran = { decision: 'run', reason: firing.reason, taskId: task.id, details } as const;
    const occurrence = occurrenceOf(parts, firing, ran);
    if (firing.instead === undefined) await tx.insertOccurrence(occurrence);
    else await tx.replaceSkipped(occurrence);
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

/** The task that a firing asks for. */
export function taskOf({ workflow, trigger, parameters }: Firing, sessionId: string) {
  const { run: template, retry, concurrency } = workflow.definition;
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

/** The fields of a task that its template decides. Nobody is there to answer it. */
export function taskFields(template: TaskTemplate, name: string) {
  const { script, description, ref, timeoutMs, noOutputTimeoutMs, priority, autoFix } = template;
  const limits = { timeoutMs, noOutputTimeoutMs, priority, autoFix };
  return { name: template.name ?? name, script, description, ref, ...limits, input: 'none' as const };
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
