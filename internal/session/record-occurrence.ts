/** Occurrences, and every step of their executions, on record: as a row of their own, and in the ledger. */
import { executionKind, type LedgerCheck, type LedgerEntry } from '../domain/ledger.ts';
import type { Occurrence } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { appendLedger, type LedgerDraft } from './append-ledger.ts';
import type { SessionParts } from './parts.ts';

/** An occurrence, and what those are called that it is of; null: it is not known any more. */
export interface NamedOccurrence {
  readonly occurrence: Occurrence;
  readonly workflow: string | null;
  readonly trigger: string | null;
}

/** Puts an occurrence on record. @returns false when there is one with its trigger and key: nothing was written */
export async function recordOccurrence(
  tx: Transaction,
  parts: Pick<SessionParts, 'random'>,
  named: NamedOccurrence,
): Promise<boolean> {
  const isNew = await tx.insertOccurrence(named.occurrence);
  if (isNew) await appendLedger(tx, parts, draftOf(named));
  return isNew;
}

/** Puts a run in the place of an occurrence on which nothing ran. */
export async function recordInstead(
  tx: Transaction,
  parts: Pick<SessionParts, 'random'>,
  named: NamedOccurrence,
): Promise<void> {
  if (await tx.replaceSkipped(named.occurrence)) await appendLedger(tx, parts, draftOf(named));
}

/** Puts many on record, at most `maxRowsAtOnce`. @returns the ids of those that were written */
export async function recordOccurrences(
  tx: Transaction,
  parts: Pick<SessionParts, 'random'>,
  all: readonly NamedOccurrence[],
): Promise<ReadonlySet<string>> {
  const written = await tx.insertOccurrences(all.map(({ occurrence }) => occurrence));
  const fresh = all.filter(({ occurrence }) => written.has(occurrence.id));
  await appendLedger(tx, parts, fresh.map(draftOf));
  return written;
}

/** The first entry of an execution. */
export function draftOf({ occurrence, workflow, trigger }: NamedOccurrence): LedgerDraft {
  const { id, key, triggerId, workflowId, workflowVersion, source, decision, reason } = occurrence;
  const { nominalAt, effectiveAt, decidedAt, taskId, eventId, actor } = occurrence;
  const { checks, mode, ...details } = occurrence.details;
  const isRun = decision === 'run';
  return {
    ...{ at: decidedAt, kind: executionKind(source), actor, executionId: id },
    ...{ workflowId, workflow, version: workflowVersion, triggerId, trigger, source, eventId },
    ...{ nominalAt, effectiveAt, decision, mode: modeOf(mode), reason },
    ...{
      checks: checksOf(checks),
      status: isRun ? 'PENDING' : 'SKIPPED',
      taskId,
      attempts: isRun ? 0 : null,
    },
    ...{ delayMs: decidedAt - effectiveAt, details: { key, ...details } },
  };
}

function modeOf(mode: unknown): LedgerEntry['mode'] {
  return mode === 'agent' || mode === 'fallback' || mode === 'classic' ? mode : null;
}

function checksOf(checks: unknown): readonly LedgerCheck[] {
  return Array.isArray(checks) ? (checks as LedgerCheck[]) : [];
}
