import { formatDuration } from '../domain/duration.ts';
import type { Check, ScopedPolicy } from '../domain/policy.ts';

/** When a workflow ran last; null = never, as far as anybody knows; epoch ms. */
export interface LastRuns {
  /** start of the last one that was allowed to start, whatever became of it */
  readonly startAt: number | null;
  /** end of the last one that succeeded */
  readonly successAt: number | null;
}

/**
 * Whether enough time has passed: exactly as long as the cooldown is enough. It counts from the start unless the policy says
 * otherwise, so that a workflow that always fails has one too.
 *
 * @param last  null = it could not be read: `failMode` decides
 */
export function checkCooldown(policies: readonly ScopedPolicy[], last: LastRuns | null, at: number): Check[] {
  return policies.flatMap(({ scope, policy: { cooldownMs, cooldownFrom, failMode } }) => {
    if (cooldownMs === null) return [];
    const limit = formatDuration(cooldownMs);
    if (last === null) {
      const passed = failMode === 'open';
      return [{ name: 'cooldown', passed, limit, value: null, scope, reason: 'governance_unavailable' }];
    }
    const from = cooldownFrom === 'success' ? last.successAt : last.startAt;
    const sinceMs = from === null ? null : Math.max(0, at - from);
    const passed = sinceMs === null || sinceMs >= cooldownMs;
    const value = sinceMs === null ? null : formatDuration(sinceMs);
    return [{ name: 'cooldown', passed, limit, value, scope, ...(passed ? {} : { reason: 'cooldown' }) }];
  });
}
