/** When a failed run is worth another one, and how long to wait for it. Pure; times are epoch ms, durations ms. */
import type { EndReason, Outcome } from './outcome.ts';

/** How failed runs of a task are repeated. */
export interface RetryRule {
  readonly backoff: 'fixed' | 'exponential';
  /** before the second run */
  readonly delayMs: number;
  /** most of it */
  readonly maxDelayMs: number;
  /** exit codes that are worth another run; null = any but 0 */
  readonly exitCodes: readonly number[] | null;
  /** error codes and end reasons that are never worth another run */
  readonly neverOn: readonly string[];
  /** how often a run is repeated whose agent died under it; counted apart from failures */
  readonly lostRetries: number;
  /** for all runs together, from when the task was made; null = no limit. A person's retry has none */
  readonly deadlineMs: number | null;
}

/**
 * What an end says about another run. `lost`: how the run ended is not known, because its agent or its shim died;
 * `permanent`: another run would end the same way.
 */
export type EndClass = 'completed' | 'cancelled' | 'lost' | 'retryable' | 'permanent';

const lostReasons: readonly EndReason[] = [
  'agent_lost',
  'shim_lost',
  'pod_lost',
  'pod_evicted',
  'lost_lease',
];
/** Not the script's doing: another run at once would meet the same, but one after a wait may not. */
const passingReasons: readonly EndReason[] = ['checkout', 'disk', 'agent_stop'];

/** Puts an end into its class. @param rule null = a task that only says how often: it is run again at once */
export function classOf(
  end: Pick<Outcome, 'status' | 'reason' | 'exitCode' | 'errorCode'>,
  rule: RetryRule | null,
): EndClass {
  if (end.status === 'COMPLETED') return 'completed';
  if (end.status === 'CANCELLED' || end.reason === 'cancel') return 'cancelled';
  if (end.reason !== null && lostReasons.includes(end.reason)) return 'lost';
  if (end.reason === 'refused') return 'permanent';
  if (rule === null)
    return end.reason !== null && passingReasons.includes(end.reason) ? 'permanent' : 'retryable';
  if (rule.neverOn.includes(end.errorCode)) return 'permanent';
  if (end.reason !== null) return rule.neverOn.includes(end.reason) ? 'permanent' : 'retryable';
  const codes = rule.exitCodes;
  return codes === null || (end.exitCode !== null && codes.includes(end.exitCode))
    ? 'retryable'
    : 'permanent';
}

/**
 * How long to wait after a failed run. `fixed` is what it says; `exponential` doubles up to the most of it, of which
 * half is chance, so that what failed together does not come back together.
 *
 * @param failures runs that failed so far, this one included; 1, 2, …
 * @param fraction chance in [0, 1)
 * @returns whole ms
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("equal jitter")
 */
export function retryDelayMs(
  rule: Pick<RetryRule, 'backoff' | 'delayMs' | 'maxDelayMs'>,
  failures: number,
  fraction: number,
): number {
  if (rule.backoff === 'fixed') return Math.min(rule.maxDelayMs, rule.delayMs);
  const full = Math.min(rule.maxDelayMs, rule.delayMs * 2 ** Math.min(failures - 1, 60));
  return Math.round(full / 2 + (fraction * full) / 2);
}

/** What has happened so far. */
export interface RetryState {
  readonly rule: RetryRule | null;
  readonly endClass: EndClass;
  /** repetitions after failures that there may be */
  readonly retryCount: number;
  /** and those that are used */
  readonly retriesUsed: number;
  /** runs that were lost, this one included when it was */
  readonly lostRuns: number;
  /** when the task was made */
  readonly createdAt: number;
  /** least time to wait, as the run said, up to the most of the rule; 0 = nothing was said */
  readonly askedMs: number;
  readonly now: number;
  /** chance in [0, 1) */
  readonly fraction: number;
}

/**
 * Decides whether a run is repeated by itself.
 * @returns when the next one may begin (null = at once) and whether it uses up a repetition; null when there is none
 */
export function decideRetry(state: RetryState): RetryDecision | null {
  const { rule, endClass, retriesUsed, retryCount, lostRuns, askedMs, now, fraction } = state;
  const isLost = endClass === 'lost' && lostRuns <= (rule?.lostRetries ?? 0);
  const isFailure = endClass === 'retryable' && retriesUsed < retryCount;
  if (!isLost && !isFailure) return null;
  const asked = Math.min(askedMs, (rule ?? retryDefaults).maxDelayMs);
  if (rule === null) return { notBefore: asked === 0 ? null : now + asked, counts: true };
  const waitMs = Math.max(asked, retryDelayMs(rule, isLost ? lostRuns : retriesUsed + 1, fraction));
  const deadline = deadlineOf(rule, state.createdAt);
  if (deadline !== null && now + waitMs >= deadline) return null;
  return { notBefore: waitMs === 0 ? null : now + waitMs, counts: isFailure };
}

/** @see decideRetry */
export interface RetryDecision {
  readonly notBefore: number | null;
  readonly counts: boolean;
}

/** When all runs of a task have to be over; null = never. */
export function deadlineOf(rule: RetryRule | null, createdAt: number): number | null {
  const { deadlineMs = null } = rule ?? {};
  return deadlineMs === null ? null : createdAt + deadlineMs;
}

/** What a rule is when it does not say. */
export const retryDefaults = {
  backoff: 'exponential',
  delayMs: 60_000,
  maxDelayMs: 3_600_000,
  exitCodes: null,
  neverOn: [],
  lostRetries: 0,
  deadlineMs: null,
} as const satisfies RetryRule;

/** What may be set otherwise for all workflows that do not say. */
export type RetryDefaults = Pick<RetryRule, 'backoff' | 'delayMs' | 'maxDelayMs'> & {
  /** runs in all, the first included */
  readonly maxAttempts: number;
};
