import { InputError, NotFoundError } from '../../internal/domain/errors.ts';
import { makeCronRule } from '../../internal/trigger/cron/cron-rule.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { type AnyFunction, registry, type Unit, unitOf } from './registry.ts';
import { runUnit } from './run-unit.ts';
import { addTrigger } from './schedule.ts';
import type { RetryOptions, RunRecord, Time } from './types.ts';

/** A trigger of an app. */
export interface CronTrigger {
  readonly eventName: string;
  readonly expression: string;
  /** what the agent should look at; null = everything */
  readonly focus: string | null;
  readonly description: string;
  /** IANA name */
  readonly timezone: string;
  /** what runs when there is no agent, or when it fails */
  readonly fallback: AnyFunction;
  /** whether it fires */
  readonly isEnabled: boolean;
}

/** How a trigger is. */
export interface TriggerStatus extends CronTrigger {
  /** epoch ms; null while it is held */
  readonly nextAt: number | null;
  /** of the runs on record, those that ended well; 0 to 1, null when there are none */
  readonly successRate: number | null;
  /** mean; ms, null when there are none */
  readonly averageDurationMs: number | null;
}

/** What a registry is told of a trigger. */
export interface Registration {
  readonly eventName: string;
  /** five fields, or a macro */
  readonly expression: string;
  /** default: everything */
  readonly focus?: string | null;
  readonly description?: string;
  /** IANA name; default `UTC` */
  readonly timezone?: string;
  /** what runs when there is no agent, or when it fails */
  readonly fallback: AnyFunction;
  /** what is run when it falls due; default: the fallback */
  readonly run?: AnyFunction;
  /** session whose agent runs it, when it is deployed; default: as deploy says */
  readonly session?: string | null;
  /** default: a failed run is not repeated */
  readonly retry?: RetryOptions;
}

interface Kept {
  trigger: CronTrigger;
  readonly unit: Unit;
  readonly history: RunRecord[];
}

/** Runs that are kept of each trigger. */
const maxHistory = 100;

/** The cron triggers of an app, in this process. What was deployed is steered with `keruta trigger`. */
export class CronRegistry {
  readonly #kept = new Map<string, Kept>();
  readonly #time: Time;

  /** @param time  default: the machine's */
  constructor(time: Time = systemClock) {
    this.#time = time;
  }

  /**
   * Adds a trigger.
   * @throws {InputError} KERUTA_ERR_BAD_VALUE: no name, or one that is taken; KERUTA_ERR_CRON: an expression that is none
   */
  register(registration: Registration): void {
    const { eventName, expression, fallback, run = fallback, session = null, retry } = registration;
    const { focus = null, description = '', timezone = 'UTC' } = registration;
    if (eventName === '') throw refused('expected a function that has a name, or an eventName');
    if (this.#kept.has(eventName)) throw refused(`expected an eventName of its own, got ${eventName} again`);
    if (typeof fallback !== 'function') throw refused(`${eventName}: expected a function as its fallback`);
    const options = { name: eventName, timezone, ...(retry === undefined ? {} : { retry }) };
    addTrigger(run, { type: 'cron', expression }, options);
    const unit = unitOf(run);
    unit.description = description;
    unit.session = session;
    const trigger = { eventName, expression, focus, description, timezone, fallback, isEnabled: true };
    this.#kept.set(eventName, { trigger, unit, history: [] });
  }

  /** @returns null when there is none */
  getTrigger(eventName: string): CronTrigger | null {
    return this.#kept.get(eventName)?.trigger ?? null;
  }

  /** In the order of registration. */
  listTriggers(): CronTrigger[] {
    return [...this.#kept.values()].map(({ trigger }) => trigger);
  }

  /** Holds a trigger: what falls due meanwhile is not run. @throws {NotFoundError} */
  pauseTrigger(eventName: string): void {
    this.#enable(eventName, false);
  }

  /** Lets a trigger go. @throws {NotFoundError} */
  resumeTrigger(eventName: string): void {
    this.#enable(eventName, true);
  }

  /** Runs it now, also when it is held. @param parameters  told in the context @throws {NotFoundError} */
  async triggerNow(
    eventName: string,
    parameters: Readonly<Record<string, unknown>> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<RunRecord> {
    const { unit } = this.#named(eventName);
    const wish = { unit, source: 'manual', dueAt: this.#time.now(), parameters, signal } as const;
    const record = await runUnit({ time: this.#time, table: registry() }, wish);
    this.keep(record);
    return record;
  }

  /** @throws {NotFoundError} */
  getTriggerStatus(eventName: string): TriggerStatus {
    const { trigger, history } = this.#named(eventName);
    const rule = makeCronRule({ text: trigger.expression, zone: trigger.timezone, triggerId: null });
    const ended = history.filter(({ status }) => status !== 'skipped');
    const well = ended.filter(({ status }) => status === 'completed').length;
    const total = ended.reduce((sum, { durationMs }) => sum + durationMs, 0);
    return {
      ...trigger,
      nextAt: trigger.isEnabled ? rule.next(this.#time.now()) : null,
      successRate: ended.length === 0 ? null : well / ended.length,
      averageDurationMs: ended.length === 0 ? null : total / ended.length,
    };
  }

  /** Newest first. @param limit  1 to 100, default 10 @throws {NotFoundError} */
  getExecutionHistory(eventName: string, limit = 10): RunRecord[] {
    const { history } = this.#named(eventName);
    return history.slice(-Math.min(maxHistory, Math.max(1, limit))).reverse();
  }

  /** Puts a run on record; those of other functions are let by. For `onRun` of a scheduler. */
  keep(record: RunRecord): void {
    const history = this.#kept.get(record.name)?.history;
    history?.push(record);
    if (history && history.length > maxHistory) history.shift();
  }

  #named(eventName: string): Kept {
    const kept = this.#kept.get(eventName);
    if (kept !== undefined) return kept;
    throw new NotFoundError(
      'KERUTA_ERR_WORKFLOW_NOT_FOUND',
      `There is no trigger ${eventName}; there are: ${[...this.#kept.keys()].join(', ') || 'none'}`,
    );
  }

  #enable(eventName: string, isEnabled: boolean): void {
    const kept = this.#named(eventName);
    kept.trigger = { ...kept.trigger, isEnabled };
    kept.unit.isHeld = !isEnabled;
  }
}

function refused(message: string): InputError {
  return new InputError('KERUTA_ERR_BAD_VALUE', `app.cron: ${message}`);
}
