import {
  type BreakerRule,
  breakerDefaults,
  emptyPolicy,
  type Policy,
  type PolicyScope,
  type ScopedPolicy,
} from '../../../internal/domain/policy.ts';
import type { Question } from '../../../internal/governance/judge.ts';

/** A policy in its place. */
export function scoped(policy: Partial<Policy>, scope: PolicyScope = 'workflow', zone = 'UTC'): ScopedPolicy {
  return { scope, id: scope === 'global' ? '' : 'id', zone, policy: { ...emptyPolicy, ...policy } };
}

/** A breaker rule; defaults but for what is given. */
export const rule = (more: Partial<BreakerRule> = {}): BreakerRule => ({ ...breakerDefaults, ...more });

/** A question about a run of which nothing is known. */
export function question(policies: readonly ScopedPolicy[], more: Partial<Question> = {}): Question {
  return {
    policies,
    now: 1_000_000,
    startAt: 1_000_000,
    isForced: false,
    isBreakerAsked: true,
    repository: null,
    executor: 'local',
    approved: [],
    overlap: null,
    history: {
      lastRuns: { startAt: null, successAt: null },
      breaker: null,
      recentCosts: [],
      used: new Map(),
      unfinished: {},
    },
    ...more,
  };
}
