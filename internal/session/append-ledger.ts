/** The one way into the ledger. What is decided about executions, and what people do about them, goes through here. */
import { blankEntry, type LedgerEntry } from '../domain/ledger.ts';
import type { Trigger, Workflow } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { type Caller, type SessionParts, whoOf } from './parts.ts';

/** An entry before it has an id; what is left out is null. */
export type LedgerDraft = Partial<Omit<LedgerEntry, 'id'>> & Pick<LedgerEntry, 'at' | 'kind' | 'actor'>;

/** Appends to the ledger, in the transaction that does what it tells about. @param drafts  at most `maxRowsAtOnce` */
export async function appendLedger(
  tx: Transaction,
  { random }: Pick<SessionParts, 'random'>,
  drafts: LedgerDraft | readonly LedgerDraft[],
): Promise<void> {
  const all: readonly LedgerDraft[] = Array.isArray(drafts) ? drafts : [drafts as LedgerDraft];
  const entries = all.map((draft) => {
    const { at, kind, actor } = draft;
    return { ...blankEntry({ id: '', at, kind, actor }), ...draft, id: random.uuid7(at) };
  });
  if (entries.length > 0) await tx.insertLedger(entries);
}

/** Something that somebody did about what may run. */
export interface Act {
  readonly caller: Pick<Caller, 'actor' | 'address'>;
  /** such as `trigger.paused` */
  readonly action: string;
  /** `store.now()`; epoch ms */
  readonly now: number;
  readonly workflow?: Pick<Workflow, 'id' | 'name' | 'version'>;
  readonly trigger?: Pick<Trigger, 'id' | 'name'>;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Puts on record who did what. Acts on sessions and tasks are in the audit instead. */
export async function recordAct(
  tx: Transaction,
  parts: Pick<SessionParts, 'random'>,
  { caller, action, now, workflow, trigger, details = {} }: Act,
): Promise<void> {
  await appendLedger(tx, parts, {
    ...{ at: now, kind: action, ...whoOf(caller), details },
    ...{
      workflowId: workflow?.id ?? null,
      workflow: workflow?.name ?? null,
      version: workflow?.version ?? null,
    },
    ...{ triggerId: trigger?.id ?? null, trigger: trigger?.name ?? null },
  });
}
