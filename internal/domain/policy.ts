/**
 * What limits work that starts by itself. A policy stands at a workflow, at a session, or over everything; all that apply
 * hold, so the strictest wins. A limit that counts (runs, cost, tasks at a time) counts what happens in the place where it
 * stands. Durations are ms, money is micro-dollars.
 */

/** One policy; null = it says nothing about that. */
export interface Policy {
  /** `shadow`: everything is judged and put on record, nothing runs and no limit is used up */
  readonly mode: 'live' | 'shadow' | null;
  /** what becomes of the cooldown when its history cannot be read; the other limits are always closed then */
  readonly failMode: 'closed' | 'open' | null;
  /** IANA name of the zone whose days and hours are counted; null = that of the trigger, or the server's */
  readonly timezone: string | null;
  /** least time between two runs of a workflow */
  readonly cooldownMs: number | null;
  /** from when it counts: the start of the last run, or the end of the last one that succeeded */
  readonly cooldownFrom: 'start' | 'success' | null;
  readonly maxRunsPerDay: number | null;
  readonly maxRunsPerHour: number | null;
  readonly maxCostPerDayMicro: number | null;
  /** of one task with all its attempts */
  readonly maxCostPerRunMicro: number | null;
  /** least that is reserved before a run */
  readonly costEstimateMicro: number | null;
  /** tasks that wait or run */
  readonly maxConcurrent: number | null;
  readonly allowedHours: AllowedHours | null;
  readonly requireApproval: ApprovalRule | null;
  /** patterns of repository addresses: `*` stands for anything but `/`, `**` for anything */
  readonly allowedRepositories: readonly string[] | null;
  readonly allowedExecutors: readonly string[] | null;
  readonly breaker: BreakerRule | null;
}

/** When something may run. @see parseHours for how windows are written */
export interface AllowedHours {
  /** null = as the policy says */
  readonly timezone: string | null;
  readonly windows: readonly string[];
  /** dates (`2026-12-25`) with windows of their own, without days; none = closed on that date */
  readonly except: Readonly<Record<string, readonly string[]>>;
}

/** Who has to say yes before each run. */
export interface ApprovalRule {
  /** of a token; `admin` = any token of that scope */
  readonly role: string;
  /** how long the question waits */
  readonly expiresMs: number;
}

/** When a workflow that fails is no longer run for a while. */
export interface BreakerRule {
  /** newest finished runs that are looked at */
  readonly window: number;
  /** fewer of them decide nothing */
  readonly minRuns: number;
  /** opens when more of them than this part failed; 0 to 1 */
  readonly failureRate: number;
  /** opens after so many in a row, however few there were */
  readonly consecutiveFailures: number;
  /** how long it stays open; doubled by each probe that fails */
  readonly coolOffMs: number;
  readonly maxCoolOffMs: number;
  /** probes that have to succeed, one after another, before it closes */
  readonly probes: number;
  /** a probe that has not ended by then counts as failed */
  readonly probeLeaseMs: number;
}

/** What a breaker is when its rule does not say. */
export const breakerDefaults = {
  window: 10,
  minRuns: 5,
  failureRate: 0.5,
  consecutiveFailures: 5,
  coolOffMs: 900_000,
  maxCoolOffMs: 86_400_000,
  probes: 1,
  probeLeaseMs: 3_600_000,
} as const satisfies BreakerRule;

/** What approval is when its rule does not say: a day. */
export const approvalDefaults = { role: 'admin', expiresMs: 86_400_000 } as const satisfies ApprovalRule;

/** A policy that says nothing. */
export const emptyPolicy: Policy = {
  mode: null,
  failMode: null,
  timezone: null,
  cooldownMs: null,
  cooldownFrom: null,
  maxRunsPerDay: null,
  maxRunsPerHour: null,
  maxCostPerDayMicro: null,
  maxCostPerRunMicro: null,
  costEstimateMicro: null,
  maxConcurrent: null,
  allowedHours: null,
  requireApproval: null,
  allowedRepositories: null,
  allowedExecutors: null,
  breaker: null,
};

/** Where a policy stands. */
export type PolicyScope = 'workflow' | 'session' | 'global';

/** A policy in its place. */
export interface ScopedPolicy {
  readonly scope: PolicyScope;
  /** of the workflow or session; `''` for the global one */
  readonly id: string;
  /** the zone of its days and hours; IANA name */
  readonly zone: string;
  readonly policy: Policy;
}

/** How a breaker stands. Times are epoch ms. */
export interface BreakerState {
  readonly state: 'closed' | 'open' | 'half_open';
  /** `S` or `F` of the newest finished runs, the newest last */
  readonly results: string;
  /** null while it is closed */
  readonly openedAt: number | null;
  /** how long it is open this time; ms; 0 while it is closed */
  readonly coolOffMs: number;
  /** the task that probes; null when none does */
  readonly probe: { readonly taskId: string; readonly until: number } | null;
  /** probes that succeeded since it opened */
  readonly succeeded: number;
}

/** One thing that was looked at before a run. */
export interface Check {
  readonly name: string;
  readonly passed: boolean;
  /** what it was held against; money as text */
  readonly limit: string | number | null;
  readonly value: string | number | null;
  readonly scope?: PolicyScope;
  readonly reason?: string;
}

/** What ran: the agent's action, the classic script after it failed, or the classic script in its place. */
export type DecisionMode = 'agent' | 'fallback' | 'classic';

/** When the classic script runs although the agent's action was chosen. */
export const fallbackStrategies = ['on_failure', 'always', 'never'] as const;
/** @see fallbackStrategies */
export type FallbackStrategy = (typeof fallbackStrategies)[number];
