/** Functions that events from outside start. */

import { InputError } from '../../internal/domain/errors.ts';
import type { EventPayloads } from './github-events.ts';
import { addTrigger, type ScheduleOptions } from './schedule.ts';
import type { EventFunction } from './types.ts';
import { type ServeOptions, type Serving, serveWebhooks } from './webhook-server.ts';

/** What may be said of a function that events start. */
export type WebhookOptions = Pick<ScheduleOptions, 'name' | 'retry' | 'enabled'>;

/** The payload of an event; `unknown` of those that are not described. */
export type PayloadOf<E extends string> = E extends keyof EventPayloads ? EventPayloads[E] : unknown;

const eventPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

function on<E extends string, F extends EventFunction<PayloadOf<E>>>(event: E, fn: F): F;
function on<E extends string, F extends EventFunction<PayloadOf<E>>>(
  event: E,
  options: WebhookOptions,
  fn: F,
): F;
function on<F extends EventFunction<never>>(event: string, ...rest: [F] | [WebhookOptions, F]): F {
  const [options, fn] = rest.length === 2 ? rest : [{}, rest[0]];
  if (!eventPattern.test(event))
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `webhook.on: expected an event such as github.push, got ${event.slice(0, 100)}`,
    );
  return addTrigger(fn, { type: 'webhook', path: event }, options);
}

/** Functions that events from outside start. */
export const webhook: {
  /**
   * Runs a function when an event comes to `/webhook/<event>`; several functions of one event all run. GitHub's events
   * are named `github.` and the name in GitHub's header, and their payloads are typed.
   * @returns the function itself
   * @throws {InputError} KERUTA_ERR_BAD_VALUE: a name that cannot stand in an address
   */
  readonly on: {
    <E extends string, F extends EventFunction<PayloadOf<E>>>(event: E, fn: F): F;
    <E extends string, F extends EventFunction<PayloadOf<E>>>(event: E, options: WebhookOptions, fn: F): F;
  };
  /**
   * Listens in this process. @see ServeOptions
   * @throws {InputError} KERUTA_ERR_BAD_VALUE: no secret, and not `auth: 'none'` on a loopback address
   */
  readonly serve: (options: ServeOptions) => Promise<Serving>;
} = { on, serve: serveWebhooks };
