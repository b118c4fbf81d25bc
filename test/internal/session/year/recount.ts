/** What the ledger says of a year, and what it should say by the test's own books. */
import type { LedgerEntry } from '../../../../internal/domain/ledger.ts';
import type { Store } from '../../../../internal/store/store.ts';
import { dueBetween } from '../../trigger/cron/reference.ts';
import type { Book, Run } from './book.ts';
import type { Plan } from './plan.ts';

const hourMs = 3_600_000;

/** Totals of one workflow. */
export interface Totals {
  /** times that were decided, each once */
  readonly decided: number;
  readonly skipped: number;
  readonly succeeded: number;
  readonly fallbacks: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly attempts: number;
  readonly micro: number;
  readonly calls: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** All entries, the oldest first. */
export async function allEntries(store: Store): Promise<LedgerEntry[]> {
  const found: LedgerEntry[] = [];
  for (let before: string | undefined; ; before = found.at(-1)?.id) {
    const page = await store.ledger({}, { limit: 1000, ...(before === undefined ? {} : { before }) });
    found.push(...page);
    if (page.length < 1000) return found.toReversed();
  }
}

/** Totals of each workflow, as the ledger has them. @param entries  the oldest first */
export function totalsOfLedger(entries: readonly LedgerEntry[]): ReadonlyMap<string, Totals> {
  const byName = Map.groupBy(
    entries.filter(({ executionId }) => executionId !== null),
    ({ workflow }) => workflow ?? '',
  );
  return new Map(
    [...byName].map(([name, own]) => {
      const newest = new Map(own.map((entry) => [entry.executionId, entry.status]));
      const count = (status: string) => [...newest.values()].filter((one) => one === status).length;
      const sum = (field: 'costMicros' | 'llmCalls' | 'tokensIn' | 'tokensOut') =>
        own.reduce((all, entry) => all + (entry[field] ?? 0), 0);
      return [
        name,
        {
          ...{ decided: newest.size, skipped: count('SKIPPED'), succeeded: count('SUCCESS') },
          ...{ fallbacks: count('FALLBACK'), failed: count('FAILED'), cancelled: count('CANCELLED') },
          attempts: own.filter(({ status }) => status === 'RUNNING').length,
          ...{ micro: sum('costMicros'), calls: sum('llmCalls') },
          ...{ tokensIn: sum('tokensIn'), tokensOut: sum('tokensOut') },
        },
      ];
    }),
  );
}

/** Totals of a workflow by the books: what fell due, what came, what followed, and how each run ended. */
export function totalsOfBook(book: Book, plan: Plan, time: { begin: number; until: number }): Totals {
  const runs = book.of(plan.name);
  const decided =
    countInstants(plan, time) + (book.events.get(plan.name)?.size ?? 0) + countFollowers(book, plan);
  const count = (status: string, is: (run: Run) => boolean = () => true) =>
    runs.filter((run) => run.status === status && is(run)).length;
  const sum = (field: 'attempts' | 'micro' | 'calls' | 'tokensIn' | 'tokensOut') =>
    runs.reduce((all, run) => all + run[field], 0);
  return {
    ...{ decided, skipped: decided - runs.length },
    succeeded: count('COMPLETED', ({ kind }) => kind !== 'fallback'),
    fallbacks: count('COMPLETED', ({ kind }) => kind === 'fallback'),
    ...{ failed: count('FAILED'), cancelled: count('CANCELLED'), attempts: sum('attempts') },
    ...{ micro: sum('micro'), calls: sum('calls'), tokensIn: sum('tokensIn'), tokensOut: sum('tokensOut') },
  };
}

function countInstants(
  { cron, everyHours }: Plan,
  { begin, until }: { begin: number; until: number },
): number {
  const byCron = cron === undefined ? 0 : dueBetween({ ...cron, after: begin, until }).length;
  return byCron + (everyHours === undefined ? 0 : Math.floor((until - begin) / (everyHours * hourMs)));
}

/** Fallbacks that an end asked for, each run once, and hooks. */
function countFollowers(book: Book, { name, workflow }: Plan): number {
  const ends = book.ends.filter(({ run }) => run.plan.name === name);
  const { fallbackStrategy = 'on_failure' } = workflow;
  const asks = (status: string) =>
    (status === 'FAILED' && fallbackStrategy !== 'never') ||
    (status === 'COMPLETED' && fallbackStrategy === 'always');
  const stoodInFor = ends.filter(({ run, status }) => run.kind === 'agent' && asks(status));
  const fallbacks = workflow.fallback ? new Set(stoodInFor.map(({ run }) => run.id)).size : 0;
  const failed = ends.filter(({ run, status }) => run.kind !== 'hook' && status === 'FAILED');
  return fallbacks + (workflow.onError ? failed.length : 0);
}
