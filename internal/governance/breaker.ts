/**
 * The breaker of a workflow. Closed: everything runs, and the ends of runs are counted. Open: nothing runs until the cool-off
 * is over. Then half open: one run at a time is let through, a probe, and its end decides.
 */
import type { BreakerRule, BreakerState, Check } from '../domain/policy.ts';

/** A breaker that has seen nothing. */
export const closedBreaker: BreakerState = {
  state: 'closed',
  results: '',
  openedAt: null,
  coolOffMs: 0,
  probe: null,
  succeeded: 0,
};

/** What the breaker says. */
export interface BreakerVerdict {
  readonly check: Check;
  /** the state as it is now: a probe that did not come back in time has failed */
  readonly state: BreakerState;
  /** whether the run is the probe */
  readonly isProbe: boolean;
}

/** Whether a run may start. @param isForced  a person lets it run although it is open: then it is the probe */
export function judgeBreaker(
  rule: BreakerRule,
  {
    before,
    now,
    isForced,
  }: { readonly before: BreakerState; readonly now: number; readonly isForced: boolean },
): BreakerVerdict {
  const state = withoutLostProbe(rule, before, now);
  const limit = `${rule.failureRate} of ${rule.window}`;
  const value = state.state === 'closed' ? state.results : state.state;
  const check = { name: 'breaker', passed: true, limit, value } as const;
  if (state.state === 'closed') return { check, state, isProbe: false };
  if (state.probe !== null) {
    const refused = { ...check, passed: false, reason: 'breaker_probe_in_flight' };
    return { check: refused, state, isProbe: false };
  }
  const until = (state.openedAt ?? 0) + state.coolOffMs;
  if (now >= until || isForced) return { check, state, isProbe: true };
  const reason = 'breaker_open';
  return {
    check: { ...check, passed: false, limit: `open until ${new Date(until).toISOString()}`, reason },
    state,
    isProbe: false,
  };
}

/** The breaker once its probe has begun. */
export function beginProbe(
  rule: BreakerRule,
  state: BreakerState,
  probe: { taskId: string; now: number },
): BreakerState {
  return {
    ...state,
    state: 'half_open',
    probe: { taskId: probe.taskId, until: probe.now + rule.probeLeaseMs },
  };
}

/**
 * Counts the end of a run. Cancelled ones count for nothing; a probe that is cancelled leaves its place to another. What ends
 * while the breaker is not closed, and is not its probe, began before it opened: it has been judged.
 */
export function countRun(
  rule: BreakerRule,
  before: BreakerState,
  run: { readonly taskId: string; readonly end: 'success' | 'failure' | 'cancelled'; readonly now: number },
): BreakerState {
  const state = withoutLostProbe(rule, before, run.now);
  if (state.state === 'closed') return run.end === 'cancelled' ? state : counted(rule, state, run);
  if (state.probe?.taskId !== run.taskId) return state;
  if (run.end === 'cancelled') return { ...state, probe: null };
  if (run.end === 'failure') return openedAgain(rule, state, run.now);
  const succeeded = state.succeeded + 1;
  return succeeded >= rule.probes ? closedBreaker : { ...state, probe: null, succeeded };
}

function counted(
  rule: BreakerRule,
  state: BreakerState,
  run: { readonly end: 'success' | 'failure' | 'cancelled'; readonly now: number },
): BreakerState {
  const most = Math.max(rule.window, rule.consecutiveFailures);
  const results = `${state.results}${run.end === 'failure' ? 'F' : 'S'}`.slice(-most);
  const recent = results.slice(-rule.window);
  const failures = recent.split('F').length - 1;
  const isBad = recent.length >= rule.minRuns && failures / recent.length > rule.failureRate;
  const isStreak = results.endsWith('F'.repeat(rule.consecutiveFailures));
  if (!isBad && !isStreak) return { ...state, results };
  return { ...closedBreaker, state: 'open', results, openedAt: run.now, coolOffMs: rule.coolOffMs };
}

function openedAgain(rule: BreakerRule, state: BreakerState, now: number): BreakerState {
  const coolOffMs = Math.min(rule.maxCoolOffMs, Math.max(rule.coolOffMs, state.coolOffMs * 2));
  return { ...state, state: 'open', openedAt: now, coolOffMs, probe: null, succeeded: 0 };
}

function withoutLostProbe(rule: BreakerRule, state: BreakerState, now: number): BreakerState {
  if (state.probe === null || now < state.probe.until) return state;
  return openedAgain(rule, state, state.probe.until);
}
