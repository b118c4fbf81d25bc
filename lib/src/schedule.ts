/** Functions that run at their time. */
import { InputError } from '../../internal/domain/errors.ts';
import { type AnyFunction, type ErrorHandler, registry, unitOf } from './registry.ts';
import { Scheduler } from './scheduler.ts';
import { timedTypes } from './timed-types.ts';
import type { RetryOptions, TimedFunction, WrittenTrigger } from './types.ts';

/** What may be said beside the time. */
export interface ScheduleOptions {
  /** default: the name of the function, or of the export */
  readonly name?: string;
  /** IANA name, such as `Europe/Berlin`; default: the scheduler's, or the server's */
  readonly timezone?: string;
  /** what becomes of instants that nobody was there for; default `last` */
  readonly catchUp?: 'none' | 'last' | 'all';
  /** default true */
  readonly enabled?: boolean;
  /** the same as `schedule.retry` */
  readonly retry?: RetryOptions;
}

/** How often: one or more of the units, added up. */
export interface Every {
  readonly seconds?: number;
  readonly minutes?: number;
  readonly hours?: number;
  readonly days?: number;
  /** time of day, `09:00`: with `days: 1` only */
  readonly at?: string;
  /** IANA name, for `at` */
  readonly timezone?: string;
}

function cron<F extends TimedFunction>(expression: string, fn: F): F;
function cron<F extends TimedFunction>(expression: string, options: ScheduleOptions, fn: F): F;
function cron<F extends TimedFunction>(expression: string, ...rest: [F] | [ScheduleOptions, F]): F {
  const [options, fn] = rest.length === 2 ? rest : [{}, rest[0]];
  return addTrigger(fn, { type: 'cron', expression }, options);
}

function every<F extends TimedFunction>(every: Every, fn: F): F;
function every<F extends TimedFunction>(every: Every, options: ScheduleOptions, fn: F): F;
function every<F extends TimedFunction>(every: Every, ...rest: [F] | [ScheduleOptions, F]): F {
  const [options, fn] = rest.length === 2 ? rest : [{}, rest[0]];
  const { seconds = 0, minutes = 0, hours = 0, days = 0, at, timezone } = every;
  const total = seconds + minutes * 60 + hours * 3600 + days * 86_400;
  const written = {
    type: 'interval',
    every: total === 86_400 ? '1d' : `${total}s`,
    ...(at === undefined ? {} : { at }),
    ...(timezone === undefined ? {} : { timezone }),
  };
  return addTrigger(fn, written, options);
}

function retry<F extends AnyFunction>(options: RetryOptions, fn: F): F {
  const { maxAttempts, backoffSeconds = 60 } = options;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > 100)
    throw refused(`retry: expected maxAttempts from 1 to 100, got ${maxAttempts}`);
  if (!(backoffSeconds >= 0))
    throw refused(`retry: expected backoffSeconds from 0 on, got ${backoffSeconds}`);
  unitOf(fn).retry = options;
  return fn;
}

/** Functions that run at their time. Each call returns the function that it was given, so that calls can be nested. */
export const schedule: {
  /**
   * Runs a function when the clock on the wall matches an expression of five fields, or a macro such as `@daily`.
   * @throws {InputError} KERUTA_ERR_CRON, KERUTA_ERR_TIME_ZONE
   */
  readonly cron: {
    <F extends TimedFunction>(expression: string, fn: F): F;
    <F extends TimedFunction>(expression: string, options: ScheduleOptions, fn: F): F;
  };
  /**
   * Runs a function every so often, on a grid that does not drift with how long runs take.
   * @throws {InputError} KERUTA_ERR_BAD_VALUE: less than a second, or `at` without `days: 1`
   */
  readonly every: {
    <F extends TimedFunction>(every: Every, fn: F): F;
    <F extends TimedFunction>(every: Every, options: ScheduleOptions, fn: F): F;
  };
  /** Says how a failed run is repeated. @throws {InputError} KERUTA_ERR_BAD_VALUE */
  readonly retry: <F extends AnyFunction>(options: RetryOptions, fn: F) => F;
  /**
   * Told, once, when a function has failed for the last time; `(error, name, context)`. For all functions of the file.
   * Deployed it is a task of its own, which is told the end of the one before: the error is the message that it left.
   */
  readonly onError: (handler: ErrorHandler) => ErrorHandler;
  /** @see Scheduler */
  readonly Scheduler: typeof Scheduler;
} = {
  cron,
  every,
  retry,
  onError: (handler) => {
    registry().onError.push(handler);
    return handler;
  },
  Scheduler,
};

/** Adds a trigger to a function; a rule of time is looked at at once, so that a mistake is told on its line. */
export function addTrigger<F extends AnyFunction>(
  fn: F,
  written: WrittenTrigger,
  options: ScheduleOptions = {},
): F {
  const { timezone, catchUp, enabled } = options;
  const extra = timezone === undefined ? {} : { timezone };
  const { type, ...spec } = { ...written, ...extra };
  const known = timedTypes.get(type);
  const read = known?.spec.safeParse(spec);
  if (read && !read.success) throw refused(read.error.issues.map(({ message }) => message).join('; '));
  if (read) known?.check?.(read.data, { triggerId: 'new', zone: 'UTC', anchorMs: 0 });
  const unit = unitOf(fn);
  if (options.name !== undefined) unit.name = options.name;
  if (options.retry !== undefined) retry(options.retry, fn);
  unit.triggers.push({
    type,
    ...spec,
    ...(catchUp === undefined ? {} : { catchUp }),
    ...(enabled === undefined ? {} : { enabled }),
  });
  return fn;
}

function refused(message: string): InputError {
  return new InputError('KERUTA_ERR_BAD_VALUE', message);
}
