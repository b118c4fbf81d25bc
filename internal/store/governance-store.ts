/** The part of the port that is about what policies say and count. @see store.ts for the laws */
import type {
  Approval,
  CostEntry,
  CostSum,
  Reservation,
  StoredPolicy,
  WorkflowHistory,
} from '../domain/governance.ts';
import type { Page } from './store.ts';

/** What may be asked about governance. */
export interface GovernanceReads {
  /** Those that there are of some places. */
  policies(places: readonly string[]): Promise<StoredPolicy[]>;
  workflowHistory(workflowId: string): Promise<WorkflowHistory | null>;
  /** What is used up, by key; keys of which nothing is used are left out. At most 100 keys. */
  counters(keys: readonly string[]): Promise<ReadonlyMap<string, number>>;
  reservation(taskId: string): Promise<Reservation | null>;
  /** What the newest settled runs of a workflow cost, the newest first; micro-dollars. */
  recentCosts(workflowId: string, limit: number): Promise<number[]>;
  /** Oldest first. */
  costs(taskId: string): Promise<CostEntry[]>;
  costSum(taskId: string): Promise<CostSum>;
  /** Tasks that triggers made and that are not at their end nor lost: of one workflow, of one session, or all. */
  countUnfinished(of: { readonly workflowId?: string; readonly sessionId?: string }): Promise<number>;
  approval(id: string): Promise<Approval | null>;
  /** Newest first. */
  approvals(
    filter: { readonly state?: Approval['state']; readonly sessionId?: string },
    page: Page,
  ): Promise<Approval[]>;
}

/** What may be written about it. */
export interface GovernanceWrites {
  putPolicy(policy: StoredPolicy): Promise<void>;
  deletePolicy(place: string): Promise<void>;
  /**
   * Writes what is known of a workflow's runs, when nobody else has since it was read (its version is one more than the row's;
   * 1 for a row that is new). @returns false when somebody has: nothing was written
   */
  putWorkflowHistory(history: WorkflowHistory): Promise<boolean>;
  /**
   * Uses up a part of a limit in one step, so that together nobody gets over it.
   * @returns false when there was not so much left: nothing was written
   */
  takeFromCounter(take: {
    readonly key: string;
    readonly amount: number;
    readonly limit: number;
    readonly now: number;
  }): Promise<boolean>;
  /** Adds to a counter whatever its limit is, or gives back when the amount is negative. */
  addToCounter(add: { readonly key: string; readonly amount: number; readonly now: number }): Promise<void>;
  /** Forgets counters that were written last before an instant; epoch ms. */
  forgetCounters(before: number): Promise<void>;
  putReservation(reservation: Reservation): Promise<void>;
  /** @returns false when there is one with this task and key already: nothing was written */
  insertCost(cost: CostEntry): Promise<boolean>;
  putApproval(approval: Approval): Promise<void>;
}
