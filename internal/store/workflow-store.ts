/** The part of the port that is about workflows and what fires them. @see store.ts for the laws */

import type { Hold } from '../domain/hold.ts';
import type { Report, ReportWish } from '../domain/report.ts';
import type { Task } from '../domain/task.ts';
import type { Occurrence, Trigger, TriggerEvent, Workflow, WorkflowDefinition } from '../domain/workflow.ts';
import type { Page } from './store.ts';

/** Most rows of one statement: databases bound how many values one may have. */
export const maxRowsAtOnce = 100;

/** A definition that a workflow has, or had. */
export interface WorkflowVersion {
  readonly workflowId: string;
  readonly version: number;
  readonly definition: WorkflowDefinition;
  /** token id, or `system` */
  readonly actor: string;
  readonly at: number;
}

/** A leave to fire a trigger by hand once; its token itself is never stored. */
export interface Confirmation {
  /** SHA-256 of the token; lower-case hex */
  readonly hash: string;
  readonly triggerId: string;
  /** who asked for it: token id, or `system` */
  readonly actor: string;
  /** of what is to be fired: SHA-256 of its parameters; lower-case hex */
  readonly fingerprint: string;
  readonly expiresAt: number;
  /** null = not used yet */
  readonly usedAt: number | null;
}

/** Filters for lists of occurrences; absent = any. */
export interface OccurrenceFilter {
  readonly triggerId?: string;
  readonly workflowId?: string;
  readonly decision?: 'run' | 'skipped';
  /** decided at or after; epoch ms */
  readonly from?: number;
  /** only runs that failed for good: their tasks are FAILED, and nobody has redriven them */
  readonly isDead?: boolean;
}

/** What may be asked about workflows. */
export interface WorkflowReads {
  workflow(id: string): Promise<Workflow | null>;
  workflowByName(name: string): Promise<Workflow | null>;
  /** By name. */
  workflows(): Promise<Workflow[]>;
  /** Newest first. */
  workflowVersions(workflowId: string): Promise<WorkflowVersion[]>;
  workflowVersion(workflowId: string, version: number): Promise<WorkflowVersion | null>;
  trigger(id: string): Promise<Trigger | null>;
  /** By workflow, then by name; of one workflow or one type when given. */
  triggers(filter: { readonly workflowId?: string; readonly type?: string }): Promise<Trigger[]>;
  /** Those that are there, in the order of the ids; at most `maxRowsAtOnce`. */
  triggersOf(ids: readonly string[]): Promise<Trigger[]>;
  /** Which of these triggers have tasks that are not at their end nor lost; at most `maxRowsAtOnce`. */
  busyTriggers(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Ids of enabled, unpaused triggers that are to be looked at by `now`, the most overdue first. */
  dueTriggers(now: number, limit: number): Promise<string[]>;
  /** When the next trigger is to be looked at; null when none falls due by time. */
  nextDueAt(): Promise<number | null>;
  occurrence(triggerId: string, key: string): Promise<Occurrence | null>;
  occurrenceOfTask(taskId: string): Promise<Occurrence | null>;
  /** Newest first. */
  occurrences(filter: OccurrenceFilter, page: Page): Promise<Occurrence[]>;
  /** Tasks that a trigger made and that are not at their end nor lost, oldest first. */
  unfinishedTasks(triggerId: string): Promise<Task[]>;
  triggerEvent(id: string): Promise<TriggerEvent | null>;
  confirmation(hash: string): Promise<Confirmation | null>;
  report(taskId: string): Promise<Report | null>;
  /** Tasks whose reports are due and that no server has, the longest due first. */
  dueReports(now: number, limit: number): Promise<string[]>;
  /** When the next report can be taken; null when none is due at any time. */
  nextReportAt(): Promise<number | null>;
  /** Whether a later task reports in the same lane; of two at the same time, the one with the greater id. */
  hasNewerReport(of: Pick<Report, 'taskId' | 'lane' | 'createdAt'>): Promise<boolean>;
  /** Oldest first. */
  holds(): Promise<Hold[]>;
}

/** What may be written about them. */
export interface WorkflowWrites {
  /** Takes a trigger until the transaction ends; false when another server has it: that one decides. */
  takeTrigger(id: string): Promise<boolean>;
  /** Takes a trigger, and waits for another server to let it go. */
  lockTrigger(id: string): Promise<void>;
  /** @throws {ConflictError} KERUTA_ERR_WORKFLOW_NAME_TAKEN */
  putWorkflow(workflow: Workflow): Promise<void>;
  insertWorkflowVersion(version: WorkflowVersion): Promise<void>;
  /** Removes a workflow, its triggers, and the holds of both; what they did stays on record. */
  deleteWorkflow(id: string): Promise<void>;
  putTrigger(trigger: Trigger): Promise<void>;
  /** Writes where triggers stand in time, and nothing else of them; at most `maxRowsAtOnce`. @param now  epoch ms */
  moveTriggers(
    moved: readonly Pick<Trigger, 'id' | 'cursor' | 'nextAt' | 'zoneData'>[],
    now: number,
  ): Promise<void>;
  /** With its own hold. */
  deleteTrigger(id: string): Promise<void>;
  /** @returns false when there is one with this trigger and key already: nothing was written */
  insertOccurrence(occurrence: Occurrence): Promise<boolean>;
  /** Puts a run in the place of a row with the same trigger and key on which nothing ran; else writes nothing. */
  replaceSkipped(occurrence: Occurrence): Promise<boolean>;
  insertTriggerEvent(event: TriggerEvent): Promise<void>;
  /** Likewise for many at once, at most `maxRowsAtOnce`. @returns the ids of those that were written */
  insertOccurrences(occurrences: readonly Occurrence[]): Promise<ReadonlySet<string>>;
  /** At most `maxRowsAtOnce`. */
  insertTriggerEvents(events: readonly TriggerEvent[]): Promise<void>;
  /**
   * Removes the oldest events whose ids sort before this one: they are made of the time.
   * @returns how many went, at most `limit`
   */
  deleteTriggerEvents(beforeId: string, limit: number): Promise<number>;
  /** Tasks that are new, without keys; at most `maxRowsAtOnce`. */
  insertTasks(tasks: readonly Task[]): Promise<void>;
  putConfirmation(confirmation: Confirmation): Promise<void>;
  /** One of the same scope and name is replaced. */
  putHold(hold: Hold): Promise<void>;
  deleteHold(hold: Pick<Hold, 'scope' | 'name'>): Promise<void>;
  /** Forgets those that expired before an instant; epoch ms. */
  forgetConfirmations(before: number): Promise<void>;
  /** @throws when the task has one */
  insertReport(report: Report): Promise<void>;
  /** Puts a wish in the place of the one before, due now; a server that tells the old one keeps it. @returns false: none */
  wishReport(taskId: string, wish: ReportWish, now: number): Promise<boolean>;
  /** Takes a report that is due, and counts a try. @returns false when another server has it, or it is not due */
  takeReport(taskId: string, times: { readonly now: number; readonly until: number }): Promise<boolean>;
  /**
   * Lets go of a report that was taken, and says when it is due again (null = never) and why; a wish that came meanwhile
   * stays due.
   * @param report  as it was when it was taken; one that was taken from us stays as it is
   */
  settleReport(
    report: Pick<Report, 'taskId' | 'version' | 'takenUntil'>,
    end: Pick<Report, 'dueAt' | 'error'>,
  ): Promise<void>;
  /** Removes reports whose wishes are older, the oldest first. @returns how many went, at most `limit` */
  deleteReports(before: number, limit: number): Promise<number>;
}
