/** What policies leave of their limits at an instant, and how the breaker stands: for whoever looks, nothing is used up. */
import type { BreakerState, PolicyScope, ScopedPolicy } from '../domain/policy.ts';
import { closedBreaker, judgeBreaker } from './breaker.ts';
import type { History } from './judge.ts';
import { limitWindows } from './limit-window.ts';
import { strictestBreaker } from './strictest.ts';

/** One limit, and what is left of it. */
export interface LimitLeft {
  readonly name: 'runs_per_hour' | 'runs_per_day' | 'cost_per_day' | 'concurrency';
  readonly scope: PolicyScope;
  /** of the numbers; `tasks` that wait or run */
  readonly unit: 'runs' | 'micro-dollars' | 'tasks';
  readonly limit: number;
  /** so far in its day or hour; money: spent and reserved */
  readonly used: number;
  /** >= 0: a run may spend more than was left */
  readonly left: number;
}

/** How a breaker stands. Times are epoch ms. */
export interface BreakerNow extends Pick<BreakerState, 'state'> {
  /** of the newest runs that it counts */
  readonly failed: number;
  readonly of: number;
  /** when the next run is let through as a probe; null while it is closed, or while one probes */
  readonly openUntil: number | null;
}

/** What is left of every limit, in the order of the gates. */
export function limitsLeft(
  policies: readonly ScopedPolicy[],
  { history, now }: { readonly history: Pick<History, 'used' | 'unfinished'>; readonly now: number },
): LimitLeft[] {
  const windows = limitWindows(policies, now).map(({ key, kind, unit, scope, limit }) =>
    leftOf({
      name: kind === 'runs' ? (`runs_per_${unit}` as const) : 'cost_per_day',
      ...{ scope, limit, used: history.used.get(key) ?? 0 },
      unit: kind === 'runs' ? 'runs' : 'micro-dollars',
    }),
  );
  const concurrency = policies.flatMap(({ scope, policy: { maxConcurrent: limit } }) => {
    if (limit === null) return [];
    const used = history.unfinished[scope] ?? 0;
    return [leftOf({ name: 'concurrency', scope, unit: 'tasks', limit, used })];
  });
  const runs = windows.filter(({ unit }) => unit === 'runs');
  return [...runs, ...windows.filter(({ unit }) => unit !== 'runs'), ...concurrency];
}

function leftOf(limit: Omit<LimitLeft, 'left'>): LimitLeft {
  return { ...limit, left: Math.max(0, limit.limit - limit.used) };
}

/** How the breaker of a workflow stands now; null when it has none. @param before  as it was written last */
export function breakerNow(
  policies: readonly ScopedPolicy[],
  { before, now }: { readonly before: BreakerState | null; readonly now: number },
): BreakerNow | null {
  const rule = strictestBreaker(policies);
  if (rule === null) return null;
  const { state } = judgeBreaker(rule, { before: before ?? closedBreaker, now, isForced: false });
  const recent = state.results.slice(-rule.window);
  const isProbing = state.state === 'closed' || state.probe !== null;
  return {
    state: state.state,
    failed: recent.split('F').length - 1,
    of: recent.length,
    openUntil: isProbing ? null : (state.openedAt ?? 0) + state.coolOffMs,
  };
}
