import { z } from 'zod';
import { parseDuration } from '../../domain/duration.ts';
import { InputError } from '../../domain/errors.ts';
import type { TriggerDefinition } from '../../domain/workflow.ts';
import { makeCronRule } from '../cron/cron-rule.ts';
import { type Schedule, type ScheduleContext, triggerType } from '../trigger-type.ts';

const dayMs = 86_400_000;

const spec = z.strictObject({
  /** a duration from 1 s on: `30s`, `2h`, `1d` */
  every: z.string(),
  /** time of day, `09:00`: with whole days only */
  at: z.string().optional(),
  /** IANA name, for `at`; default: the server's */
  timezone: z.string().optional(),
  /** instant at which the grid begins, RFC 3339; default: when the trigger was made */
  anchor: z.iso.datetime({ offset: true }).optional(),
  /** `grid`: at even times, however long runs take; `end`: so long after the last run ended; default `grid` */
  from: z.enum(['grid', 'end']).optional(),
});

type Interval = z.output<typeof spec>;

function everyMs({ every }: Interval): number {
  const ms = parseDuration(every);
  if (ms !== null && ms >= 1000) return ms;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `every: expected a duration of 1s or more, such as 30s or 2h; got ${every}`,
  );
}

/** `1d` at a time of day counts days on the wall, so it is a cron expression; other intervals know no clock changes. */
function scheduleOf(one: Interval, context: ScheduleContext): Schedule {
  const every = everyMs(one);
  const both = one.from === 'end' ? (one.at ?? one.anchor) : undefined;
  if (both !== undefined)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      'from: end: expected without at and anchor; the end of the last run says when the next one is due',
    );
  if (one.at !== undefined) return daily(one, every, context);
  if (one.timezone !== undefined)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      'timezone: expected together with at; an interval knows no zone',
    );
  const anchor = one.anchor === undefined ? context.anchorMs : Date.parse(one.anchor);
  const next = (after: number) => anchor + Math.max(0, Math.floor((after - anchor) / every) + 1) * every;
  return { zone: 'UTC', next };
}

function daily(one: Interval, every: number, context: ScheduleContext): Schedule {
  const [, hour = '', minute = ''] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(one.at ?? '') ?? [];
  if (minute === '')
    throw new InputError('KERUTA_ERR_BAD_VALUE', `at: expected a time of day such as 09:00, got ${one.at}`);
  if (every !== dayMs)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `at: expected with every: 1d only (a cron trigger can say more), got every: ${one.every}`,
    );
  const text = `${Number(minute)} ${Number(hour)} * * *`;
  return makeCronRule({ text, zone: one.timezone ?? context.zone });
}

/** Whether a trigger rests anew whenever a run of it ends: its grid then begins at that end. */
export function restsFromEnd({ type, spec }: Pick<TriggerDefinition, 'type' | 'spec'>): boolean {
  return type === interval.name && (spec as Partial<Interval>).from === 'end';
}

/** Falls due on a grid of time. */
export const interval = triggerType({
  name: 'interval',
  doc: 'every so often, on a grid that does not drift with how long runs take, or from the end of the last run',
  source: 'interval',
  spec,
  check: (one, context) => {
    scheduleOf(one, context);
    return [];
  },
  schedule: scheduleOf,
});
