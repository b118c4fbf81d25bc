/** What becomes of the instants of a rule that have passed: the law of missed runs. Pure. */
import type { CatchUp, OccurrenceReason } from '../domain/workflow.ts';
import { spreadMs } from './cron/hash.ts';
import type { Schedule } from './trigger-type.ts';

/** A trigger as far as time goes. Times are epoch ms. */
export interface DueState {
  readonly triggerId: string;
  readonly schedule: Schedule;
  /** the last instant that was decided */
  readonly cursor: number;
  readonly now: number;
  readonly catchUp: CatchUp;
  /** how far fires are spread; 0 = not at all */
  readonly spreadMs: number;
  /** no instant before; null = no limit */
  readonly startAt: number | null;
  /** no instant at or after; null = no limit */
  readonly endAt: number | null;
}

/** One instant that was decided. */
export interface DueInstant {
  readonly nominalAt: number;
  /** with the spread */
  readonly effectiveAt: number;
  readonly isRun: boolean;
  readonly reason: Extract<
    OccurrenceReason,
    'due' | 'caught_up' | 'missed' | 'missed_window' | 'missed_limit'
  >;
  /** for many instants at once that are too old to be counted: all up to there, itself included */
  readonly until?: number;
}

/** What was decided, in the order of time, and where the trigger stands now. */
export interface DueDecision {
  readonly instants: readonly DueInstant[];
  readonly cursor: number;
  /** when to look again; null = never */
  readonly nextAt: number | null;
}

/** An instant is on time when it is decided within this; a server that is busy for a while has missed nothing; ms. */
export const onTimeMs = 60_000;

/** Most instants that are decided one by one: older ones of the same gap are summed up, so that nothing stands still. */
const maxInstants = 1_000;

/**
 * Decides every instant in (cursor, now]. Those on time run. Of those that were missed, `last` runs the newest, `all` the
 * newest `max`, `none` none; what is older than the window is summed up in one.
 */
export function decideDue(state: DueState): DueDecision {
  const { now, catchUp } = state;
  const windowFrom = Math.max(state.cursor, now - Math.max(catchUp.windowMs, onTimeMs));
  const before = firstOf(state, state.cursor);
  const passedOver = catchUp.policy === 'all' ? 'missed_limit' : 'missed';
  // the newest are not summed up: they may be made good, or on time; nothing falls due more often than each second
  const kept = catchUp.max + onTimeMs / 1000 + 1;
  const instants: DueInstant[] = [];
  const due: { readonly nominalAt: number; readonly effectiveAt: number }[] = [];
  let [cursor, next] = [state.cursor, before];
  if (before !== null && before.effectiveAt < windowFrom) {
    cursor = lastBefore(state, Math.max(before.nominalAt, windowFrom - state.spreadMs - 1), windowFrom);
    instants.push({ ...before, isRun: false, reason: 'missed_window', until: cursor });
    next = firstOf(state, cursor);
  }
  for (; next !== null && next.effectiveAt <= now; next = firstOf(state, cursor)) {
    if (due.length === maxInstants + kept) {
      const [first, last] = [due[0], due[maxInstants - 1]];
      due.splice(0, maxInstants);
      if (first && last) instants.push({ ...first, isRun: false, reason: passedOver, until: last.nominalAt });
    }
    due.push(next);
    cursor = next.nominalAt;
  }
  const late = due.filter(({ effectiveAt }) => now - effectiveAt > onTimeMs);
  const madeGood = howMany(catchUp, { late: late.length, hasOnTime: late.length < due.length });
  due.forEach((one, index) => {
    if (index >= late.length) instants.push({ ...one, isRun: true, reason: 'due' });
    else if (index >= late.length - madeGood) instants.push({ ...one, isRun: true, reason: 'caught_up' });
    else instants.push({ ...one, isRun: false, reason: passedOver });
  });
  return { instants, cursor, nextAt: next?.effectiveAt ?? null };
}

/** How many of the newest that are late run all the same. With `last`, one that is on time is the last. */
function howMany(
  catchUp: CatchUp,
  { late, hasOnTime }: { readonly late: number; readonly hasOnTime: boolean },
): number {
  if (catchUp.policy === 'none') return 0;
  if (catchUp.policy === 'last') return hasOnTime ? 0 : Math.min(1, late);
  return Math.min(catchUp.max, late);
}

/** Up to where everything is older: one that is spread may be due long after its nominal time. */
function lastBefore(state: DueState, from: number, effectiveAt: number): number {
  let last = from;
  for (let one = firstOf(state, from); one !== null && one.effectiveAt < effectiveAt; ) {
    last = one.nominalAt;
    one = firstOf(state, last);
  }
  return last;
}

/** The first instant behind another that the limits allow, with its spread. */
export function firstOf(
  state: Pick<DueState, 'schedule' | 'spreadMs' | 'triggerId' | 'startAt' | 'endAt'>,
  after: number,
): { readonly nominalAt: number; readonly effectiveAt: number } | null {
  const from = state.startAt === null ? after : Math.max(after, state.startAt - 1);
  const nominalAt = state.schedule.next(from);
  if (nominalAt === null || (state.endAt !== null && nominalAt >= state.endAt)) return null;
  if (state.spreadMs === 0) return { nominalAt, effectiveAt: nominalAt };
  const following = state.schedule.next(nominalAt) ?? Number.POSITIVE_INFINITY;
  return {
    nominalAt,
    effectiveAt: nominalAt + spreadMs(state.triggerId, state.spreadMs, following - nominalAt),
  };
}
