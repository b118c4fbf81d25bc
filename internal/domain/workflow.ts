/**
 * Work that starts by itself: a workflow says what to run, its triggers say when, and every time that a trigger falls due
 * becomes one occurrence, whether something ran or not. Times are epoch ms.
 */
import type { NotifyRule } from './notification.ts';
import type { FallbackStrategy, Policy } from './policy.ts';
import { type RetryRule, retryDefaults } from './retry.ts';
import type { TaskContext, TaskKind } from './task-context.ts';

/** A named, versioned unit of work. */
export interface Workflow {
  /** UUIDv7 */
  readonly id: string;
  /** unique; see `workflowNamePattern` */
  readonly name: string;
  /** 1, 2, …: grows with every change of the definition */
  readonly version: number;
  readonly definition: WorkflowDefinition;
  /** who may change it without being told so: `api`, or `file:` and the name that a file was applied under */
  readonly owner: string;
  /** whether its triggers fire */
  readonly enabled: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a workflow is; kept whole with each version. Durations are ms. */
export interface WorkflowDefinition {
  readonly name: string;
  readonly description: string;
  /** what its tasks are about, which chooses the skills that they get; none = all skills */
  readonly focus: readonly string[];
  /** name of the session whose agent runs it; made when it is not there */
  readonly session: string;
  /** of the session, when it is made; null = none */
  readonly repository: { readonly url: string; readonly ref: string } | null;
  readonly run: TaskTemplate;
  readonly triggers: readonly TriggerDefinition[];
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUp;
  readonly retry: RetryPolicy;
  /** limits tasks of all sessions that name the same group; null = none */
  readonly concurrency: { readonly group: string; readonly limit: number } | null;
  /** run once after the last attempt failed */
  readonly onError: TaskTemplate | null;
  /** run once after it succeeded */
  readonly onComplete: TaskTemplate | null;
  /** what limits it; null = nothing of its own */
  readonly policy: Policy | null;
  /** the classic script, beside `run` as the agent's action; null = there is no choice */
  readonly fallback: Fallback | null;
  /** who is told of it; null = the server says, none = nobody */
  readonly notify: readonly NotifyRule[] | null;
}

/** A classic script that stands beside the agent's action. */
export interface Fallback {
  readonly task: TaskTemplate;
  /** when it runs after the agent's action */
  readonly strategy: FallbackStrategy;
  /** part of the times that go to the agent's action; 0 to 1; the others run the classic script at once */
  readonly migrationWeight: number;
}

/** What a task is made of when a workflow fires. */
export interface TaskTemplate {
  /** `''` of a task that runs none */
  readonly script: string;
  /** what its task does; absent = runs the script */
  readonly kind?: TaskKind;
  /** what is wanted of a task that is no script; absent for a script */
  readonly context?: TaskContext;
  /** default: the title of the context, else the name of the workflow */
  readonly name: string | null;
  readonly description: string;
  readonly ref: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** of one attempt; null = no limit */
  readonly timeoutMs: number | null;
  readonly noOutputTimeoutMs: number | null;
  readonly priority: number;
  readonly autoFix: boolean | null;
}

/** One trigger as it is written down. */
export interface TriggerDefinition {
  /** unique within its workflow; default: its type, and a number from the second of that type on */
  readonly name: string;
  /** name of a trigger type */
  readonly type: string;
  readonly enabled: boolean;
  /** null = as the workflow says */
  readonly overlap: OverlapPolicy | null;
  readonly catchUp: CatchUp | null;
  /** how far the fires of many triggers are spread over time; 0 = not at all */
  readonly spreadMs: number;
  /** no occurrence before; null = no limit */
  readonly startAt: number | null;
  /** no occurrence at or after; null = no limit */
  readonly endAt: number | null;
  /** of its type */
  readonly spec: Readonly<Record<string, unknown>>;
}

/** What happens when a trigger fires while a task of it is not finished. */
export const overlapPolicies = ['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'allow'] as const;
/** @see overlapPolicies */
export type OverlapPolicy = (typeof overlapPolicies)[number];

/** What happens with instants that nobody was there for. */
export interface CatchUp {
  readonly policy: 'none' | 'last' | 'all';
  /** older ones are not made good; ms */
  readonly windowMs: number;
  /** most of them */
  readonly max: number;
}

/** How a failed run is repeated, and how often. */
export interface RetryPolicy extends RetryRule {
  /** runs in all, the first included, lost ones not counted; 1 = never again */
  readonly maxAttempts: number;
}

/** Defaults of a definition. */
export const workflowDefaults = {
  overlap: 'skip',
  catchUp: { policy: 'last', windowMs: 86_400_000, max: 100 },
  retry: { ...retryDefaults, maxAttempts: 1 },
} as const satisfies Pick<WorkflowDefinition, 'overlap' | 'catchUp' | 'retry'>;

/** Names of workflows and triggers: letters of any script, digits, dot, dash, underscore; at most 100 characters. */
export const workflowNamePattern = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._-]{0,99}$/u;

/** A trigger as it stands: its definition, and how far it has come. */
export interface Trigger {
  /** stable over changes of its definition; UUIDv7 */
  readonly id: string;
  readonly workflowId: string;
  readonly name: string;
  readonly type: string;
  readonly definition: TriggerDefinition;
  /** whether it fires: its own switch and that of its workflow */
  readonly enabled: boolean;
  /** null = not paused */
  readonly pausedAt: number | null;
  /** the last instant that was decided; null for a type that does not fall due by time */
  readonly cursor: number | null;
  /** when to look again; null = not by time */
  readonly nextAt: number | null;
  /**
   * what `nextAt` was computed with: version of the time zone data, and the zone, `2026a Asia/Tokyo`; without a zone for a type
   * that does not fall due by time
   */
  readonly zoneData: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Where an occurrence came from. */
export const occurrenceSources = [
  'cron',
  'interval',
  'webhook',
  'github',
  'email',
  'file',
  'manual',
  'backfill',
  'task-end',
] as const;
/** @see occurrenceSources */
export type OccurrenceSource = (typeof occurrenceSources)[number];

/** Why an occurrence ran, or did not. */
export const occurrenceReasons = [
  'due',
  'caught_up',
  'asked',
  'event',
  'disabled',
  'paused',
  'missed',
  'missed_window',
  'missed_limit',
  'overlap_skipped',
  'session_closed',
  'queue_full',
  'filtered',
  'sender_refused',
  'uidvalidity_reset',
  'failed',
  'on_error',
  'on_complete',
  'chain_too_long',
  'fallback',
  'shadow',
  'outside_hours',
  'repository_refused',
  'executor_refused',
  'breaker_open',
  'breaker_probe_in_flight',
  'cooldown',
  'run_limit',
  'cost_limit',
  'cost_unknown',
  'concurrency',
  'approval_asked',
  'governance_unavailable',
] as const;
/** @see occurrenceReasons */
export type OccurrenceReason = (typeof occurrenceReasons)[number];

/** One time that a trigger fell due: run or not, it is on record once. */
export interface Occurrence {
  /** UUIDv7 */
  readonly id: string;
  readonly triggerId: string;
  /** unique within the trigger: `at:` and the nominal instant, `delivery:` and an id, … */
  readonly key: string;
  readonly workflowId: string;
  readonly workflowVersion: number;
  readonly source: OccurrenceSource;
  readonly nominalAt: number;
  /** with the spread */
  readonly effectiveAt: number;
  readonly decidedAt: number;
  readonly decision: 'run' | 'skipped';
  readonly reason: OccurrenceReason;
  readonly taskId: string | null;
  readonly eventId: string | null;
  /** token id, or `system` */
  readonly actor: string;
  /** such as the task that stood in the way, or the end of a range that was missed */
  readonly details: Readonly<Record<string, unknown>>;
}

/** What came from outside and made a trigger fire: kept so that the task can read it, and so that it can be replayed. */
export interface TriggerEvent {
  /** UUIDv7 */
  readonly id: string;
  readonly triggerId: string;
  /** such as `push`; `''` when there is only one kind */
  readonly kind: string;
  readonly at: number;
  /** what the task reads as a file */
  readonly data: Readonly<Record<string, unknown>>;
}
