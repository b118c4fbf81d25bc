/** How executions of a trigger went, counted from the ledger; and remembered, because people and dashboards ask often. */
import { endedStatuses, type LedgerCheck, type LedgerEntry } from '../domain/ledger.ts';
import type { Store } from '../store/store.ts';
import { startOfDay } from '../trigger/cron/start-of-day.ts';
import type { SessionParts } from './parts.ts';

/** Executions that are counted: the last that ended. */
const countedEnds = 100;
/** How long what was counted is believed when nothing was written: the day may have changed; ms. */
const believedMs = 60_000;
/** So many triggers are remembered; more begin again from nothing. */
const maxRemembered = 10_000;

/** How the last executions went. Durations are ms, money micro-dollars. */
export interface ExecutionStats {
  /** that ended, at most 100 */
  readonly count: number;
  /** 0 to 1, of those that were not cancelled; null when there are none */
  readonly successRate: number | null;
  readonly meanDurationMs: number | null;
  readonly p95DurationMs: number | null;
  /** since the day began in the trigger's zone */
  readonly costTodayMicros: number;
  /** of the newest decision; none when nothing checks */
  readonly checks: readonly LedgerCheck[];
}

/** Whose executions, and when. */
export interface StatsWish {
  readonly triggerId: string;
  /** name of its workflow */
  readonly workflow: string;
  /** IANA name */
  readonly zone: string;
  /** `store.now()`; epoch ms */
  readonly now: number;
}

interface Remembered {
  /** the newest entry of the workflow when it was counted */
  readonly newest: string | null;
  readonly at: number;
  readonly stats: ExecutionStats;
}

/** What was counted, by store and trigger. */
const remembered = new WeakMap<Store, Map<string, Remembered>>();

/** Counts executions, or tells what was counted when nothing was written about the workflow since, here or on another server. */
export async function executionStats(
  { store }: Pick<SessionParts, 'store'>,
  wish: StatsWish,
): Promise<ExecutionStats> {
  const ofStore = remembered.get(store) ?? new Map<string, Remembered>();
  remembered.set(store, ofStore);
  const { now, triggerId, zone } = wish;
  const newest = await store.newestLedgerId(wish.workflow);
  const key = `${triggerId} ${zone}`;
  const known = ofStore.get(key);
  const isFresh = known !== undefined && now >= known.at && now - known.at < believedMs;
  if (isFresh && known.newest === newest) return known.stats;
  const stats = await count(store, wish);
  if (ofStore.size >= maxRemembered) ofStore.clear();
  ofStore.set(key, { newest, at: now, stats });
  return stats;
}

async function count(store: Store, { workflow, triggerId, zone, now }: StatsWish): Promise<ExecutionStats> {
  const of = { workflow, triggerId };
  const ends = newestOfEach(await store.ledger({ ...of, statuses: endedStatuses }, { limit: countedEnds }));
  const judged = ends.filter(({ status }) => status !== 'CANCELLED');
  const good = judged.filter(({ status }) => status !== 'FAILED').length;
  const durations = ends.flatMap(({ durationMs }) => (durationMs === null ? [] : [durationMs]));
  const [decided] = await store.ledger({ ...of, statuses: ['PENDING', 'SKIPPED'] }, { limit: 1 });
  return {
    count: ends.length,
    successRate: judged.length === 0 ? null : good / judged.length,
    meanDurationMs: meanOf(durations),
    p95DurationMs: quantileOf(durations, 0.95),
    costTodayMicros: await store.ledgerCost({ ...of, statuses: endedStatuses, from: startOfDay(zone, now) }),
    checks: decided?.checks ?? [],
  };
}

/** One that ended, was tried again by hand and ended once more counts as it ended last. */
function newestOfEach(entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const seen = new Set<string | null>();
  return entries.filter(({ executionId }) => {
    const isFirst = !seen.has(executionId);
    seen.add(executionId);
    return isFirst;
  });
}

function meanOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return Math.round(values.reduce((sum, one) => sum + one, 0) / values.length);
}

/** By the nearest rank. */
function quantileOf(values: readonly number[], q: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}
