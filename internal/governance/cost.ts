import { formatMoney } from '../domain/money.ts';
import type { Check, ScopedPolicy } from '../domain/policy.ts';
import type { LimitWindow } from './limit-window.ts';

/** So many of the newest runs tell what the next one may cost. */
export const costHistory = 20;
/** Part of its cap at which a run is warned about. */
export const warnPart = 0.8;

/**
 * What is reserved before a run: what nine of ten of the newest runs did not exceed, at least the estimate of the policies. A
 * workflow that never cost anything and has no estimate may cost as much as one run may.
 *
 * @param recent  of the newest runs, at most `costHistory`; micro-dollars
 * @returns micro-dollars; null when nothing is known
 */
export function estimateCost(policies: readonly ScopedPolicy[], recent: readonly number[]): number | null {
  const floors = policies.flatMap(({ policy }) => policy.costEstimateMicro ?? []);
  const known = recent.length === 0 ? [] : [percentile90(recent)];
  const estimate = [...floors, ...known];
  const cap = runCap(policies);
  if (estimate.length === 0) return cap;
  const most = Math.max(...estimate);
  return cap === null ? most : Math.min(most, cap);
}

/** The nearest-rank 90th percentile. */
function percentile90(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.9) - 1] ?? 0;
}

/** What one run may cost; the strictest of the policies; micro-dollars; null = no cap. */
export function runCap(policies: readonly ScopedPolicy[]): number | null {
  const caps = policies.flatMap(({ policy }) => policy.maxCostPerRunMicro ?? []);
  return caps.length === 0 ? null : Math.min(...caps);
}

/**
 * Whether what was spent and reserved leaves room for one more run. A run of unknown price is refused.
 * @param used  spent and reserved so far, by the key of the window; micro-dollars
 */
export function checkCost(
  windows: readonly LimitWindow[],
  used: ReadonlyMap<string, number>,
  estimate: number | null,
): Check[] {
  return windows
    .filter(({ kind }) => kind === 'cost')
    .map(({ key, scope, limit }) => {
      const wanted = (used.get(key) ?? 0) + (estimate ?? 0);
      const passed = estimate !== null && wanted <= limit;
      const check = {
        name: 'cost_per_day',
        passed,
        limit: formatMoney(limit),
        value: formatMoney(wanted),
        scope,
      };
      if (passed) return check;
      return { ...check, reason: estimate === null ? 'cost_unknown' : 'cost_limit' };
    });
}
