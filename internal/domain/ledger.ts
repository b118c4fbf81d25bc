/**
 * What the ledger holds: one entry for every step of every execution, and for every act of a person that decides what may run.
 * Entries are only ever added. Times are epoch ms, durations ms, money micro-dollars.
 */
import type { OccurrenceReason, OccurrenceSource } from './workflow.ts';

/**
 * Where an execution stands. `SKIPPED`: nothing ran. `FALLBACK`: what stands in for the workflow's own run ended well.
 * A later entry of the same execution stands above an earlier one.
 */
export const ledgerStatuses = [
  'PENDING',
  'RUNNING',
  'SUCCESS',
  'FAILED',
  'SKIPPED',
  'FALLBACK',
  'CANCELLED',
] as const;
/** @see ledgerStatuses */
export type LedgerStatus = (typeof ledgerStatuses)[number];

/** Those after which nothing comes, unless a person wants it once more. */
export const endedStatuses = [
  'SUCCESS',
  'FAILED',
  'FALLBACK',
  'CANCELLED',
] as const satisfies readonly LedgerStatus[];

/** One thing that was looked at before an execution was allowed. */
export interface LedgerCheck {
  readonly name: string;
  readonly passed: boolean;
  readonly limit?: unknown;
  readonly value?: unknown;
  readonly reason?: string;
}

/** One line of the ledger. What does not concern its kind is null. */
export interface LedgerEntry {
  /** UUIDv7: sorts by time */
  readonly id: string;
  readonly at: number;
  /** `cron_execution`, `webhook_execution`, …; or what was done, such as `trigger.paused` */
  readonly kind: string;
  /** id of the occurrence; the same in every entry of one execution */
  readonly executionId: string | null;
  readonly workflowId: string | null;
  readonly workflow: string | null;
  /** of the workflow */
  readonly version: number | null;
  readonly triggerId: string | null;
  readonly trigger: string | null;
  readonly source: OccurrenceSource | null;
  readonly eventId: string | null;
  readonly nominalAt: number | null;
  readonly effectiveAt: number | null;
  readonly decision: 'run' | 'skipped' | null;
  readonly mode: 'agent' | 'fallback' | 'classic' | null;
  readonly reason: OccurrenceReason | 'retry' | null;
  readonly checks: readonly LedgerCheck[];
  readonly status: LedgerStatus | null;
  readonly taskId: string | null;
  /** begun so far */
  readonly attempts: number | null;
  /** from the effective instant to the decision */
  readonly delayMs: number | null;
  /** of the last attempt */
  readonly durationMs: number | null;
  /** what was told since the end before, if there was one: a sum over entries counts everything once; so do calls and tokens */
  readonly costMicros: number | null;
  readonly llmCalls: number | null;
  readonly tokensIn: number | null;
  readonly tokensOut: number | null;
  /** why the run ended, such as `timeout`; else its error code */
  readonly errorClass: string | null;
  readonly error: string | null;
  /** token id, or `system` */
  readonly actor: string;
  /** of an act: IP address from which it was asked for; null = by the server itself, or not known */
  readonly address: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** An entry of which nothing is known but when, what and who. */
export function blankEntry(known: Pick<LedgerEntry, 'id' | 'at' | 'kind' | 'actor'>): LedgerEntry {
  return {
    ...{ ...known, executionId: null, workflowId: null, workflow: null, version: null },
    ...{ triggerId: null, trigger: null, source: null, eventId: null, nominalAt: null, effectiveAt: null },
    ...{ decision: null, mode: null, reason: null, checks: [], status: null, taskId: null, attempts: null },
    ...{ delayMs: null, durationMs: null, costMicros: null, llmCalls: null, tokensIn: null, tokensOut: null },
    ...{ errorClass: null, error: null, address: null, details: {} },
  };
}

/** Kind of the entries of executions. */
export function executionKind(source: OccurrenceSource): string {
  return `${source.replaceAll('-', '_')}_execution`;
}
