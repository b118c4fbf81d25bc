/** What happened before a run, as far as its policies ask. */

import { KerutaError, UnavailableError } from '../domain/errors.ts';
import type { WorkflowHistory } from '../domain/governance.ts';
import type { PolicyScope, ScopedPolicy } from '../domain/policy.ts';
import { costHistory } from '../governance/cost.ts';
import type { History } from '../governance/judge.ts';
import { limitWindows } from '../governance/limit-window.ts';
import { isOpenOnFault } from '../governance/strictest.ts';
import type { Reads, Transaction } from '../store/store.ts';

/** How many runs are looked at for what was before there was a policy. */
const lookedBack = 20;

/** A history, and the row that it was read from; null when nothing asked for it. */
export interface ReadHistory {
  readonly history: History;
  readonly row: WorkflowHistory | null;
}

/**
 * Reads what the policies ask for, inside a transaction that holds them.
 * @throws {UnavailableError} KERUTA_ERR_GOVERNANCE_UNAVAILABLE when it cannot be read, unless nothing but a cooldown asks
 *         that may be passed over then
 */
export async function readHistory(
  reads: Reads & Partial<Pick<Transaction, 'apart'>>,
  asked: {
    readonly policies: readonly ScopedPolicy[];
    readonly workflowId: string;
    readonly sessionId: string | null;
    readonly now: number;
  },
): Promise<ReadHistory> {
  const mayFail = isOpenOnFault(asked.policies);
  try {
    // where a fault may be passed over, it must not spoil the transaction that goes on
    return await (mayFail && reads.apart ? reads.apart(() => readAll(reads, asked)) : readAll(reads, asked));
  } catch (cause) {
    // a store that is away says so itself, and takes no task either
    if (cause instanceof KerutaError) throw cause;
    if (mayFail) return { history: { ...nothing, lastRuns: null }, row: null };
    throw new UnavailableError(
      'KERUTA_ERR_GOVERNANCE_UNAVAILABLE',
      `What the policies of workflow ${asked.workflowId} count could not be read, so nothing is run; it is tried again.`,
      { cause },
    );
  }
}

const nothing: History = {
  lastRuns: { startAt: null, successAt: null },
  breaker: null,
  recentCosts: [],
  used: new Map(),
  unfinished: {},
};

async function readAll(reads: Reads, asked: Parameters<typeof readHistory>[1]): Promise<ReadHistory> {
  const { policies, workflowId, sessionId, now } = asked;
  const isAsked = (field: keyof ScopedPolicy['policy']) =>
    policies.some(({ policy }) => policy[field] !== null);
  const row = await historyRow(reads, workflowId);
  const windows = limitWindows(policies, now);
  const isCostAsked = isAsked('maxCostPerDayMicro') || isAsked('maxCostPerRunMicro');
  return {
    row,
    history: {
      lastRuns: { startAt: row.lastStartAt, successAt: row.lastSuccessAt },
      breaker: row.breaker,
      recentCosts: isCostAsked ? await reads.recentCosts(workflowId, costHistory) : [],
      used: await reads.counters(windows.map(({ key }) => key)),
      unfinished: isAsked('maxConcurrent')
        ? await countUnfinished(reads, { policies, workflowId, sessionId })
        : {},
    },
  };
}

/** The row of a workflow; for one that had no policy before, made of its newest runs. Version 0 = there is none yet. */
export async function historyRow(reads: Reads, workflowId: string): Promise<WorkflowHistory> {
  const known = await reads.workflowHistory(workflowId);
  if (known !== null) return known;
  const page = { limit: lookedBack, offset: 0 };
  const runs = (await reads.occurrences({ workflowId, decision: 'run' }, page)).filter(
    ({ source, reason }) => source !== 'task-end' || reason === 'event',
  );
  const last = runs[0];
  const lastStartAt = last === undefined ? null : startOf(last);
  let lastSuccessAt: number | null = null;
  for (const { taskId } of runs) {
    const task = taskId === null ? null : await reads.task(taskId);
    if (task?.status !== 'COMPLETED') continue;
    lastSuccessAt = task.finishedAt;
    break;
  }
  return { workflowId, lastStartAt, lastSuccessAt, breaker: null, version: 0 };
}

/**
 * When a run starts, as far as the cooldown goes. What is due by the clock starts when it was due: otherwise how late a server
 * looked would decide whether the next one is too early.
 */
export function startOf(of: {
  readonly reason: string;
  readonly effectiveAt: number;
  readonly now?: number;
  readonly decidedAt?: number;
}): number {
  return of.reason === 'due' ? of.effectiveAt : (of.now ?? of.decidedAt ?? of.effectiveAt);
}

async function countUnfinished(
  reads: Reads,
  of: {
    readonly policies: readonly ScopedPolicy[];
    readonly workflowId: string;
    readonly sessionId: string | null;
  },
): Promise<Partial<Record<PolicyScope, number>>> {
  const counts: Partial<Record<PolicyScope, number>> = {};
  const places = {
    workflow: { workflowId: of.workflowId },
    session: of.sessionId === null ? null : { sessionId: of.sessionId },
    global: {},
  };
  for (const { scope, policy } of of.policies) {
    const place = places[scope];
    if (policy.maxConcurrent !== null && place !== null) counts[scope] = await reads.countUnfinished(place);
  }
  return counts;
}
