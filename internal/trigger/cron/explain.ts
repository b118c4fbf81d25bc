import cronstrue from 'cronstrue';
import { type CronRule, nextOf } from './cron-rule.ts';
import { type WallClock, wallClock } from './wall-clock.ts';

/** An instant at which a rule falls due. */
export interface ExplainedInstant {
  /** epoch ms */
  readonly at: number;
  /** on the wall: `2026-03-08 03:00 -04:00` */
  readonly local: string;
  /** what the clock change does to it; null on other days */
  readonly note: string | null;
}

/** What a rule means, for people. */
export interface CronExplanation {
  readonly words: string;
  readonly warnings: readonly string[];
  readonly next: readonly ExplainedInstant[];
}

/** Explains a rule. @param count  of next instants */
export function explainCron(
  rule: CronRule,
  { afterMs, count }: { readonly afterMs: number; readonly count: number },
): CronExplanation {
  const clock = wallClock(rule.zone);
  const next = nextOf(rule, afterMs, count).map((at) => ({
    at,
    local: clock.read(at).local,
    note: noteOf(clock, at),
  }));
  return {
    words: wordsOf(rule.expression.expanded),
    warnings: rule.expression.warnings,
    next,
  };
}

function wordsOf(expanded: string): string {
  return cronstrue.toString(expanded, { use24HourTimeFormat: true, verbose: true });
}

/** Longest clock change that is told of: one of a whole day (a date line) is none of daylight saving; ms. */
const longestChangeMs = 3 * 3_600_000;

/** Tells of a clock change just before, or within the hours behind an instant. */
function noteOf(clock: WallClock, at: number): string | null {
  const { offset } = clock.read(at);
  const before = clock.read(at - 60_000).offset;
  if (before < offset) return `the clock goes forward at this minute, by ${offset - before} min`;
  for (let behind = 60_000 * 15; behind <= longestChangeMs; behind += 60_000 * 15) {
    const earlier = clock.read(at - behind).offset - offset;
    if (earlier > 0 && behind <= earlier * 60_000)
      return 'the second time of this time of day: the clock went back';
    const later = offset - clock.read(at + behind).offset;
    if (later > 0 && behind <= later * 60_000)
      return 'the first time of this time of day: the clock is about to go back';
  }
  return null;
}
