/**
 * When a cron expression falls due in a zone. Daylight saving time: an expression with fixed minutes and hours whose time is
 * skipped falls due once at the end of the gap, and once, the first time, when its time comes twice; any other follows
 * the clock on the wall.
 */
import { Cron } from 'croner';
import { type CronExpression, readCron, refused } from './expression.ts';
import { plainNext, readPlain } from './plain-next.ts';
import { readZone } from './zone.ts';

/** An expression in a zone. */
export interface CronRule {
  readonly expression: CronExpression;
  readonly zone: string;
  /** First instant after this one; epoch ms of a full minute; null when none ever comes (years from now). */
  next(afterMs: number): number | null;
}

/** What a rule is made of. */
export interface CronRuleOptions {
  readonly text: string;
  /** IANA name */
  readonly zone: string;
  /** decides what `H` stands for */
  readonly triggerId?: string | null;
}

/** Latest instant that is looked at; a broken leap-year search of the library must not walk on for ever. */
const endOfTime = Date.UTC(9999, 11, 31);

/**
 * Makes a rule.
 * @throws {InputError} KERUTA_ERR_CRON, KERUTA_ERR_TIME_ZONE; also for a date that never comes, such as 30 February
 */
export function makeCronRule(options: CronRuleOptions): CronRule {
  const expression = readCron(options.text, options.triggerId ?? null);
  const zone = readZone(options.zone);
  const plain = readPlain(expression.expanded);
  let built: Cron | null = plain === null ? build(expression, zone) : null;
  // a plain expression seldom needs it
  const cron = () => {
    built ??= build(expression, zone);
    return built;
  };
  const next = (afterMs: number) => {
    if (afterMs >= endOfTime) return null;
    const near = plain === null ? undefined : plainNext(plain, zone, afterMs);
    return near ?? cron().nextRun(new Date(afterMs))?.getTime() ?? null;
  };
  if (next(Date.UTC(2000, 0, 1)) === null)
    throw refused(expression.text, 'a date that comes, got one that never does');
  return { expression, zone, next };
}

/** The next instants of a rule, at most `count`; epoch ms. */
export function nextOf(rule: CronRule, afterMs: number, count: number): number[] {
  const found: number[] = [];
  for (let at = rule.next(afterMs); at !== null && found.length < count; at = rule.next(at)) found.push(at);
  return found;
}

function build(expression: CronExpression, zone: string): Cron {
  try {
    const rule = { fixedTimeRule: 'no-wildcard', mode: '5-part' } as const;
    return new Cron(expression.expanded, { timezone: zone, paused: true, ...rule });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw refused(expression.text, `an expression that can be scheduled (${why})`);
  }
}
