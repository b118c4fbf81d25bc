/**
 * May this run? Policies, what happened before, and the time give a verdict with every check and its numbers. Pure: whoever
 * asks reads the history and writes what the verdict says in one transaction.
 */
import type { ApprovalRule, BreakerState, Check, PolicyScope, ScopedPolicy } from '../domain/policy.ts';
import { checkExecutor, checkRepository } from './allowed.ts';
import { approvalWanted, checkApproval } from './approval.ts';
import { closedBreaker, judgeBreaker } from './breaker.ts';
import { checkConcurrency } from './concurrency.ts';
import { checkCooldown, type LastRuns } from './cooldown.ts';
import { checkCost, estimateCost } from './cost.ts';
import { checkHours } from './hours.ts';
import { type LimitWindow, limitWindows } from './limit-window.ts';
import { checkRunLimit } from './run-limit.ts';
import { isShadow, strictestBreaker } from './strictest.ts';

/** One run that is asked for. */
export interface Question {
  readonly policies: readonly ScopedPolicy[];
  /** epoch ms */
  readonly now: number;
  /** when it starts, as far as the cooldown goes: when it was due, or now; epoch ms */
  readonly startAt: number;
  /** whether a person wants it in spite of hours, breaker and cooldown */
  readonly isForced: boolean;
  /** whether the breaker is asked: it is the agent's, not that of a classic script in its place */
  readonly isBreakerAsked: boolean;
  /** address of what would be checked out; null = nothing */
  readonly repository: string | null;
  readonly executor: string;
  /** roles that have agreed to it */
  readonly approved: readonly string[];
  /** what the overlap said, when something did */
  readonly overlap: Check | null;
  readonly history: History;
}

/** What happened before, as far as the policies ask. */
export interface History {
  /** null = it could not be read */
  readonly lastRuns: LastRuns | null;
  readonly breaker: BreakerState | null;
  /** of the newest runs; micro-dollars */
  readonly recentCosts: readonly number[];
  /** what is used up of each window, by its key */
  readonly used: ReadonlyMap<string, number>;
  /** tasks that are not at their end */
  readonly unfinished: Readonly<Partial<Record<PolicyScope, number>>>;
}

/** What is to be done. */
export interface Verdict {
  readonly decision: 'allow' | 'deny' | 'ask';
  /** of the first check that failed; null when none did */
  readonly reason: string | null;
  /** all of them, in their order, also those behind the first that failed */
  readonly checks: readonly Check[];
  /** whether nothing runs, whatever the decision is */
  readonly isShadow: boolean;
  /** what is used up when it runs: 1 of each of runs, the estimate of each of costs */
  readonly windows: readonly LimitWindow[];
  /** micro-dollars; null when nothing is known */
  readonly estimateMicro: number | null;
  /** as it is now; null when there is none */
  readonly breaker: BreakerState | null;
  readonly isProbe: boolean;
  /** who is to be asked; only with `ask` */
  readonly approval: ApprovalRule | null;
}

/** Judges one run. The first check that fails decides; all are told. */
export function judge(question: Question): Verdict {
  const { policies, now, isForced, history } = question;
  const rule = question.isBreakerAsked ? strictestBreaker(policies) : null;
  const breaker =
    rule === null ? null : judgeBreaker(rule, { before: history.breaker ?? closedBreaker, now, isForced });
  const windows = limitWindows(policies, now);
  const estimateMicro = estimateCost(policies, history.recentCosts);
  const checks: Check[] = [
    ...checkHours(policies, now).map((check) => forced(check, isForced)),
    ...checkRepository(policies, question.repository),
    ...checkExecutor(policies, question.executor),
    ...(breaker === null ? [] : [breaker.check]),
    ...checkCooldown(policies, history.lastRuns, question.startAt).map((check) => forced(check, isForced)),
    ...(question.overlap === null ? [] : [question.overlap]),
    ...checkRunLimit(windows, history.used),
    ...checkCost(windows, history.used, estimateMicro),
    ...checkConcurrency(policies, history.unfinished),
    ...checkApproval(policies, question.approved),
  ];
  const failed = checks.find(({ passed }) => !passed) ?? null;
  const decision = failed === null ? 'allow' : failed.name === 'approval' ? 'ask' : 'deny';
  return {
    decision,
    reason: failed?.reason ?? null,
    checks,
    isShadow: isShadow(policies),
    windows,
    estimateMicro,
    breaker: breaker?.state ?? null,
    isProbe: breaker?.isProbe ?? false,
    approval: decision === 'ask' ? approvalWanted(policies, question.approved) : null,
  };
}

/** What a person passes over is on record as passed, and why. */
function forced(check: Check, isForced: boolean): Check {
  return isForced && !check.passed ? { ...check, passed: true, reason: 'forced' } : check;
}
