/**
 * What a request to a webhook does: it is told who sent it, over the bytes as they came and before anything is read of them,
 * and then fires every trigger of its address that it is meant for. Who is not a sender learns nothing: no trigger, a
 * missing signature and a wrong one give the same answer.
 */
import { TokenBuckets } from '../../pkg/rate/token-bucket.ts';
import { formatTraceparent, parseTraceparent } from '../../pkg/trace/trace-context.ts';
import { DeniedError, UnavailableError } from '../domain/errors.ts';
import { bodyWindowMs, deliveryKey } from '../trigger/webhook/delivery-key.ts';
import { readBody } from '../trigger/webhook/read-body.ts';
import { isVerified, verifyNobody } from '../trigger/webhook/verify.ts';
import { type DeliveryData, kindOf, parametersOf, toDeliveryData, valuesOf } from './delivery-data.ts';
import type { EventWish } from './fire-event.ts';
import { fireTogether } from './fire-together.ts';
import type { SessionParts } from './parts.ts';
import { UnderWay } from './under-way.ts';
import { findHooks, type Hook } from './webhook-table.ts';

/** A request as it came. */
export interface Delivery {
  /** last part of its address */
  readonly address: string;
  readonly method: string;
  /** names in lower case */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  /** by a page of a browser, or by a foreign name for this machine: then it needs a signature; default false */
  readonly isFromPage?: boolean;
}

/** What became of it at one trigger. */
export interface DeliveredTo {
  readonly workflow: string;
  readonly trigger: string;
  readonly status: 'accepted' | 'duplicate' | 'skipped';
  /** why it was skipped, or why it ran */
  readonly reason: string;
  /** null: nothing runs */
  readonly taskId: string | null;
  readonly occurrenceId: string;
  readonly eventId: string | null;
  /** how long the answer may wait for the task; 0 = not at all */
  readonly waitMs: number;
}

/** What became of it: nothing more than an answer, for a sender who only looks whether somebody is there; or fires. */
export type Delivered =
  | { readonly kind: 'greeting'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'fired'; readonly to: readonly [DeliveredTo, ...DeliveredTo[]] };

/**
 * Hands in a delivery. When it returns, the event is durable.
 * @throws {DeniedError} KERUTA_ERR_UNAUTHENTICATED: no trigger, no signature or a wrong one; always the same
 * @throws {InputError} KERUTA_ERR_BAD_BODY, KERUTA_ERR_UNSUPPORTED_MEDIA
 * @throws {UnavailableError} KERUTA_ERR_RATE_LIMITED, KERUTA_ERR_QUEUE_FULL: nothing was kept, it may be sent again
 */
export async function deliver(parts: SessionParts, delivery: Delivery): Promise<Delivered> {
  const hooks = verified(parts, await findHooks(parts, delivery.address), delivery);
  const body = readBody(delivery.bytes, delivery.headers['content-type']);
  const [first] = hooks;
  const { type } = first.webhook.verification;
  const greeting = greetingOf(type, delivery, body.value);
  if (greeting !== null) return { kind: 'greeting', body: greeting };
  const results = await Promise.allSettled(
    hooks.map((hook) => handTo(parts, hook, { delivery, data: toDeliveryData(hook, delivery, body) })),
  );
  const to: DeliveredTo[] = [];
  for (const result of results) {
    // what others took stays: when it is sent again they know it
    if (result.status === 'rejected') throw result.reason;
    to.push(result.value);
  }
  return { kind: 'fired', to: to as [DeliveredTo, ...DeliveredTo[]] };
}

/** The triggers that the request is meant for. */
function verified(
  { clock, triggerHost }: SessionParts,
  hooks: readonly Hook[],
  { method, headers, bytes, isFromPage }: Delivery,
): readonly [Hook, ...Hook[]] {
  const request = { headers, body: bytes, now: clock.now() };
  const found = hooks.filter(({ webhook: { methods, verification, secrets } }) => {
    const known = secrets.map((ref) => triggerHost?.secret(ref) ?? null).filter((secret) => secret !== null);
    const isOne = isVerified(verification, request, known);
    const isOwn = triggerHost?.isLoopback === true && isFromPage !== true;
    const isHere = verification.type !== 'none' || isOwn;
    return isOne && isHere && methods.includes(method);
  });
  if (hooks.length === 0) verifyNobody(request);
  const [first, ...more] = found;
  if (first !== undefined) return [first, ...more];
  throw new DeniedError(
    'KERUTA_ERR_UNAUTHENTICATED',
    'The delivery is not taken: there is no webhook here, or it is not signed as the webhook asks.',
  );
}

/** The answer to a sender who only looks whether somebody is there. */
function greetingOf(type: string, { headers }: Delivery, body: unknown): Record<string, unknown> | null {
  if (type === 'github' && headers['x-github-event'] === 'ping') return { status: 'pong' };
  const { type: kind, challenge } = (body ?? {}) as { readonly type?: unknown; readonly challenge?: unknown };
  if (type !== 'slack' || kind !== 'url_verification') return null;
  return { challenge: typeof challenge === 'string' ? challenge : '' };
}

/** by trigger and key */
const underWay = new UnderWay<DeliveredTo>();

async function handTo(
  parts: SessionParts,
  hook: Hook,
  given: { readonly delivery: Delivery; readonly data: DeliveryData },
): Promise<DeliveredTo> {
  const { delivery, data } = given;
  const values = valuesOf(data, kindOf(hook.webhook, data));
  const now = hook.webhook.dedupe === 'body' ? await parts.store.now() : 0;
  const { key, before } = deliveryKey(hook.webhook, { values, bytes: delivery.bytes, now });
  const wish: EventWish = {
    triggerId: hook.trigger.id,
    source: 'webhook',
    key: key ?? `delivery:${parts.random.uuid4()}`,
    kind: values.kind,
    data: { ...data },
    parameters: parametersOf(hook.webhook, values),
    isFiltered: !hook.webhook.filter(values),
    isHandedInAgain: true,
    ...traceOf(delivery),
    ...(before === null ? {} : { before: { key: before, since: now - bodyWindowMs } }),
  };
  const name = `${wish.triggerId} ${wish.key}`;
  const { result, isCopy } = await underWay.join(parts.store, name, () => handIn(parts, hook, wish));
  return isCopy ? asDuplicate(result) : result;
}

/** The trace that the sender is in goes on in the task. */
function traceOf({ headers }: Delivery): Pick<EventWish, 'details'> {
  const context = parseTraceparent(headers.traceparent);
  return context === null ? {} : { details: { traceparent: formatTraceparent(context) } };
}

async function handIn(parts: SessionParts, hook: Hook, wish: EventWish): Promise<DeliveredTo> {
  const refusal = takeRate(parts, hook);
  const fired = refusal === null ? await fireTogether(parts, wish) : await knownOr(refusal, parts, wish);
  const { decision, reason, taskId, id, eventId } = fired.occurrence;
  const { trigger, workflow, webhook } = hook;
  const one = { workflow, trigger: trigger.name, reason, taskId, occurrenceId: id, eventId };
  const result: DeliveredTo = {
    ...one,
    status: decision === 'run' ? 'accepted' : 'skipped',
    waitMs: webhook.waitMs,
  };
  return fired.isNew ? result : asDuplicate(result);
}

/** A sender who repeats himself is not kept from hearing that it arrived. */
async function knownOr(refusal: Error, { store }: SessionParts, { triggerId, key }: EventWish) {
  const occurrence = await store.occurrence(triggerId, key);
  if (occurrence === null) throw refusal;
  return { occurrence, isNew: false };
}

function asDuplicate(first: DeliveredTo): DeliveredTo {
  return { ...first, status: 'duplicate' };
}

/** The rates of each store's triggers; servers that share a database have one each. */
const rates = new WeakMap<object, Map<number, TokenBuckets>>();

/** @returns the refusal when the rate of the trigger is exceeded */
function takeRate(
  { store, clock }: SessionParts,
  { trigger, webhook: { ratePerMinute } }: Hook,
): Error | null {
  const ofStore = rates.get(store) ?? new Map<number, TokenBuckets>();
  rates.set(store, ofStore);
  const rate = { perSecond: ratePerMinute / 60, burst: ratePerMinute };
  const buckets = ofStore.get(ratePerMinute) ?? new TokenBuckets(rate);
  ofStore.set(ratePerMinute, buckets);
  const retryAfterMs = buckets.take(trigger.id, clock.monotonicMs());
  if (retryAfterMs === 0) return null;
  return new UnavailableError(
    'KERUTA_ERR_RATE_LIMITED',
    `The webhook takes ${ratePerMinute} deliveries in a minute (ratePerMinute); send this again after ${Math.ceil(retryAfterMs / 1000)} s.`,
    { details: { limit: 'ratePerMinute', max: ratePerMinute, retryAfterMs } },
  );
}
