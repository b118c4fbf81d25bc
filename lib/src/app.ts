import { systemClock } from '../../pkg/clock/system-clock.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { CronRegistry } from './cron-registry.ts';
import type { AnyFunction } from './registry.ts';
import { Scheduler } from './scheduler.ts';
import type { RetryOptions, RunContext, Time, TimedFunction } from './types.ts';

/** What decides instead of a function. */
export interface AgentRuntime {
  /** @returns what the agent came to; throws when it could not */
  triggerEvent(
    eventName: string,
    about: { readonly focus: string | null; readonly description: string; readonly context: RunContext },
  ): Promise<unknown>;
}

/** What an app is. */
export interface AppOptions {
  /** becomes the session that its functions run in when they are deployed */
  readonly tenantId?: string;
  /** zone of triggers that name none; default `UTC` */
  readonly timezone?: string;
  /** without one, the fallbacks run */
  readonly runtime?: AgentRuntime;
  /** default: the machine's */
  readonly time?: Time;
  /** a number in [0, 1), for `migrationWeight`; default: the machine's chance */
  readonly fraction?: () => number;
}

/** A cron trigger of an app. */
export interface CronOptions {
  /** five fields, or a macro */
  readonly expression: string;
  /** default: the function's name */
  readonly eventName?: string;
  /** what the agent should look at */
  readonly focus?: string;
  readonly description?: string;
  /** IANA name; default: the app's */
  readonly timezone?: string;
  /** how a failed run is repeated; default: not at all */
  readonly retry?: RetryOptions;
  /** what runs when there is no agent, or when it fails; default: the function itself */
  readonly fallback?: AnyFunction;
  /** when the fallback runs: after a failure of the agent, instead of it, or never; default `on_failure` */
  readonly fallbackStrategy?: 'on_failure' | 'always' | 'never';
  /** how often the agent is asked rather than the fallback, 0 to 1; default 1 */
  readonly migrationWeight?: number;
}

/** Cron triggers whose events an agent decides, with functions that stand in for it. */
export class App {
  readonly name: string;
  readonly cronRegistry: CronRegistry;
  readonly #options: AppOptions;
  #scheduler: Scheduler | null = null;

  constructor(name: string, options: AppOptions = {}) {
    this.name = name;
    this.#options = options;
    this.cronRegistry = new CronRegistry(options.time ?? systemClock);
  }

  /**
   * Registers a cron trigger for a function.
   * @returns a function of the same name, length and fields, that does what the trigger does
   * @throws {InputError} KERUTA_ERR_BAD_VALUE: no eventName, or one that is taken; KERUTA_ERR_CRON
   */
  cron<F extends TimedFunction>(options: CronOptions, fn: F): F {
    const { eventName = fn.name, expression, focus = null, description = '', fallback = fn } = options;
    const { tenantId = null, timezone: zone = 'UTC' } = this.#options;
    const about = { eventName, focus, description };
    const run = this.#decide(about, { ...options, fallback });
    // whoever looks at the function still sees it: its name, its length, what was attached to it
    Object.defineProperties(run, Object.getOwnPropertyDescriptors(fn));
    const timezone = options.timezone ?? zone;
    const retry = options.retry === undefined ? {} : { retry: options.retry };
    this.cronRegistry.register({
      ...about,
      expression,
      timezone,
      fallback,
      run,
      session: tenantId,
      ...retry,
    });
    return run as F;
  }

  /** Begins to fire; the runs are on record in `cronRegistry`. Twice is once. */
  start(): void {
    const { timezone, time } = this.#options;
    this.#scheduler ??= new Scheduler({
      ...(timezone === undefined ? {} : { timezone }),
      ...(time === undefined ? {} : { time }),
      onRun: (record) => this.cronRegistry.keep(record),
    }).start();
  }

  /** Ends; runs under way are waited for. */
  async stop(): Promise<void> {
    await this.#scheduler?.stop();
    this.#scheduler = null;
  }

  #decide(
    about: { readonly eventName: string; readonly focus: string | null; readonly description: string },
    options: CronOptions & { readonly fallback: AnyFunction },
  ): TimedFunction {
    const { fallback, fallbackStrategy = 'on_failure', migrationWeight = 1 } = options;
    const { runtime, fraction = systemRandom.fraction } = this.#options;
    const instead = fallback as TimedFunction;
    return async (context) => {
      const asksAgent = runtime && fallbackStrategy !== 'always' && fraction() < migrationWeight;
      if (!asksAgent) return instead(context);
      try {
        return await runtime.triggerEvent(about.eventName, { ...about, context });
      } catch (error) {
        if (fallbackStrategy === 'never') throw error;
        return instead(context);
      }
    };
  }
}
