/** What governance remembers. Times are epoch ms, money is micro-dollars. */
import type { BreakerState, Policy } from './policy.ts';

/** A policy of a session or over everything, as it was set. */
export interface StoredPolicy {
  /** `global`, or `session:` and the id of one */
  readonly place: string;
  readonly policy: Policy;
  /** token id, or `system` */
  readonly actor: string;
  readonly updatedAt: number;
}

/** What is known of the runs of a workflow, as far as policies ask. */
export interface WorkflowHistory {
  readonly workflowId: string;
  /** start of the last run that was allowed to start; null = none */
  readonly lastStartAt: number | null;
  /** end of the last one that succeeded; null = none */
  readonly lastSuccessAt: number | null;
  /** null = it has none, or it has seen nothing */
  readonly breaker: BreakerState | null;
  /** grows with every write; one that was read earlier is not written over a newer one */
  readonly version: number;
}

/** Money that is kept back for a task, and then spent. */
export interface Reservation {
  readonly taskId: string;
  readonly workflowId: string;
  /** what the windows hold for it: the estimate, or what it spent when that is more */
  readonly heldMicro: number;
  readonly spentMicro: number;
  /** what it may spend; null = no cap */
  readonly capMicro: number | null;
  /** the windows that it is counted in */
  readonly windows: readonly { readonly key: string; readonly limitMicro: number }[];
  /** `held` until the task is at its end, or lost */
  readonly state: 'held' | 'settled';
  readonly createdAt: number;
  /** when it was warned; null = not yet */
  readonly warnedAt: number | null;
  /** when it was stopped for what it spent; null = it was not */
  readonly exceededAt: number | null;
}

/** One thing that a run says it paid for. */
export interface CostEntry {
  readonly taskId: string;
  /** the attempt that said so; 0 = somebody outside of a run */
  readonly attempt: number;
  /** unique within the task: said again, it is the same cost */
  readonly key: string;
  readonly micro: number;
  /** of a model; null = not said */
  readonly tokensIn: number | null;
  readonly tokensOut: number | null;
  /** `''` when not said */
  readonly model: string;
  readonly at: number;
}

/** What a task cost in all. */
export interface CostSum {
  readonly micro: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** how often something was said */
  readonly entries: number;
}

/** A run that waits for somebody to say yes. */
export interface Approval {
  /** UUIDv7 */
  readonly id: string;
  readonly workflowId: string;
  readonly workflowVersion: number;
  readonly triggerId: string;
  /** of the occurrence that gives way to the run */
  readonly key: string;
  readonly sessionId: string;
  readonly role: string;
  /** roles that have agreed to this run before */
  readonly approved: readonly string[];
  /** over those of the workflow */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly state: 'asked' | 'approved' | 'denied';
  /** who asked for the run: token id, or `system` */
  readonly actor: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** token id; null = nobody yet */
  readonly decidedBy: string | null;
  readonly decidedAt: number | null;
}
