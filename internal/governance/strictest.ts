import type { BreakerRule, ScopedPolicy } from '../domain/policy.ts';

/** Whether nothing is to run: one policy that says so is enough. */
export function isShadow(policies: readonly ScopedPolicy[]): boolean {
  return policies.some(({ policy }) => policy.mode === 'shadow');
}

/** The breaker of a workflow: of several rules the strictest part of each; null = it has none. */
export function strictestBreaker(policies: readonly ScopedPolicy[]): BreakerRule | null {
  const rules = policies.flatMap(({ policy }) => policy.breaker ?? []);
  const [first, ...others] = rules;
  return first === undefined ? null : others.reduce(stricter, first);
}

function stricter(a: BreakerRule, b: BreakerRule): BreakerRule {
  const window = Math.max(a.window, b.window);
  return {
    window,
    minRuns: Math.min(a.minRuns, b.minRuns),
    failureRate: Math.min(a.failureRate, b.failureRate),
    consecutiveFailures: Math.min(a.consecutiveFailures, b.consecutiveFailures),
    coolOffMs: Math.max(a.coolOffMs, b.coolOffMs),
    maxCoolOffMs: Math.max(a.maxCoolOffMs, b.maxCoolOffMs),
    probes: Math.max(a.probes, b.probes),
    probeLeaseMs: Math.min(a.probeLeaseMs, b.probeLeaseMs),
  };
}

/** Whether a run can be judged although nothing is known of the runs before: nothing but a cooldown that may be passed over asks. */
export function isOpenOnFault(policies: readonly ScopedPolicy[]): boolean {
  return policies.every(
    ({ policy }) =>
      policy.breaker === null &&
      policy.maxRunsPerDay === null &&
      policy.maxRunsPerHour === null &&
      policy.maxCostPerDayMicro === null &&
      policy.maxConcurrent === null &&
      (policy.cooldownMs === null || policy.failMode === 'open'),
  );
}
