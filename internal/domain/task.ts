import type { EndReason } from './outcome.ts';
import type { RetryRule } from './retry.ts';
import type { TaskContext, TaskKind } from './task-context.ts';
import type { TaskStatus } from './task-status.ts';

/** A piece of work: one script, in one session. Times are epoch ms, durations ms. */
export interface Task {
  /** UUIDv4 */
  readonly id: string;
  readonly sessionId: string;
  /** the task this one is a subtask or a fix of */
  readonly parentTaskId: string | null;
  readonly name: string;
  readonly description: string;
  /** of a task of another kind: what starts the runner that does it */
  readonly script: string;
  /** default `script` */
  readonly kind: TaskKind;
  /** null for a script that has none */
  readonly context: TaskContext | null;
  /** of its context: agents that have labels, and not this one, leave it to others; null = for every agent */
  readonly requiredSkill: string | null;
  readonly status: TaskStatus;
  /** the last thing said about it; `''` when nothing */
  readonly message: string;
  /** 0-100 */
  readonly progress: number;
  /** `''` when none */
  readonly errorCode: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly reason: EndReason | null;
  /** number of the newest attempt; 0 before the first claim */
  readonly attempt: number;
  /** higher runs first; default 0 */
  readonly priority: number;
  /** JSON values handed to the script; see the environment contract */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** branch, tag or commit to check out; null = the session's */
  readonly ref: string | null;
  /** null = no limit */
  readonly timeoutMs: number | null;
  /** null = no limit */
  readonly noOutputTimeoutMs: number | null;
  /** how many times the server makes a new attempt after a failure; default 0 */
  readonly retryCount: number;
  /** how many of those are used */
  readonly retriesUsed: number;
  /** how it is tried again; null = at once, whatever made it fail */
  readonly retry: RetryRule | null;
  /** no claim before; null = at any time */
  readonly notBefore: number | null;
  /** ids of tasks that must succeed before this one is claimed; default none */
  readonly needs: readonly string[];
  /** how many of them have not succeeded; it is claimed at 0 only */
  readonly unmetNeeds: number;
  /** one of them that ended without success or is gone; null = there is none */
  readonly blockedBy: string | null;
  /** tasks of all sessions that name the same group share its limit; null = none */
  readonly concurrencyGroup: string | null;
  /** most tasks of the group that run at a time, as far as this one is concerned; null without a group */
  readonly concurrencyLimit: number | null;
  /** whether the script's stdin waits for answers (`wait`) or is empty (`none`) */
  readonly input: 'none' | 'wait';
  /** how long a wait for input lasts before end-of-file; ms, default one hour */
  readonly inputTimeoutMs: number;
  /** whether a failure may beget a fix task; null = the agent's setting decides */
  readonly autoFix: boolean | null;
  /** generation: 0 for a task that is no fix, else 1..3 */
  readonly fixCount: number;
  /** the trigger that made it; null: a person, a script or a rule did */
  readonly triggerId: string | null;
  /** whether somebody asked for it to be cancelled; the attempt learns it at its next renewal */
  readonly cancelRequested: boolean;
  /** whether every byte of the last attempt's output is known to be here */
  readonly logComplete: boolean;
  /** whether the end came after the task had been given up as LOST */
  readonly late: boolean;
  /** what the run used; null until it ended */
  readonly usage: Usage | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** What a run used. */
export interface Usage {
  /** wall time of the script; ms */
  readonly durationMs: number;
  /** user + system time of the script and the children it waited for; ms; null when it could not be read */
  readonly cpuMs: number | null;
  /** highest resident memory seen over the whole process tree, sampled; bytes; null when it could not be read */
  readonly peakMemoryBytes: number | null;
  /** read from and written to storage, as far as samples saw it; bytes; left out by agents that do not measure it */
  readonly readBytes?: number | null | undefined;
  readonly writtenBytes?: number | null | undefined;
  /** how it went over time; null for a run that was too short */
  readonly samples?: UsageSamples | null | undefined;
}

/** Processor and memory over the time of a run, in evenly spaced points. */
export interface UsageSamples {
  /** between two points; ms */
  readonly everyMs: number;
  /** mean between two points; 100 = one processor */
  readonly cpuPercent: readonly number[];
  /** highest that was seen between two points; bytes */
  readonly memoryBytes: readonly number[];
}

/** Most points that a server keeps of one run. */
export const maxUsagePoints = 120;

/** What it takes to make a task; everything else has a default. */
export interface NewTask {
  readonly sessionId: string;
  readonly name: string;
  readonly script: string;
  readonly kind?: TaskKind;
  readonly context?: TaskContext | null;
  readonly needs?: readonly string[];
  readonly description?: string;
  readonly parentTaskId?: string | null;
  readonly priority?: number;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly ref?: string | null;
  readonly timeoutMs?: number | null;
  readonly noOutputTimeoutMs?: number | null;
  readonly retryCount?: number;
  readonly retry?: RetryRule | null;
  readonly notBefore?: number | null;
  readonly concurrency?: { readonly group: string; readonly limit: number } | null;
  readonly input?: 'none' | 'wait';
  readonly inputTimeoutMs?: number;
  readonly autoFix?: boolean | null;
  readonly fixCount?: number;
  readonly triggerId?: string | null;
}

/** The two byte streams of a run. */
export const streamNames = ['stdout', 'stderr'] as const;
/** @see streamNames */
export type StreamName = (typeof streamNames)[number];

/** What became of a task that another one waits for: nothing yet; it succeeded; it ended without success, or is gone. */
export type NeedState = 'open' | 'met' | 'failed';

/** Most tasks that one waits for. */
export const maxNeeds = 100;
/** Largest script; bytes of UTF-8. */
export const maxScriptBytes = 1024 * 1024;
/** How long a wait for input lasts when the task does not say; ms. */
export const defaultInputTimeoutMs = 3_600_000;
