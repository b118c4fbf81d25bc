/** A delivery as it is kept, and as its task reads it. */
import type { ReadBody } from '../trigger/webhook/read-body.ts';
import { type EventValues, valueAt } from '../trigger/webhook/value-path.ts';
import type { Webhook } from '../trigger/webhook/webhook-spec.ts';
import type { Delivery } from './deliver.ts';
import type { Hook } from './webhook-table.ts';

/** The data of an event that came by a webhook. */
export interface DeliveryData {
  readonly method: string;
  readonly query: Readonly<Record<string, string>>;
  /** names in lower case; without those that show who the sender is */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyKind: ReadBody['kind'];
  /** parsed; a text for `binary`, in base64; null for `empty` */
  readonly body: unknown;
}

/** Headers that hold secrets, or what could be sent again in the sender's name. */
const secretHeaders = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-hub-signature',
  'x-hub-signature-256',
  'x-slack-signature',
  'webhook-signature',
  'x-gitlab-token',
];

/** Makes the data of a delivery for one trigger. */
export function toDeliveryData({ webhook }: Hook, delivery: Delivery, body: ReadBody): DeliveryData {
  const { method, query } = delivery;
  const own = 'header' in webhook.verification ? webhook.verification.header : '';
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(delivery.headers))
    if (typeof value === 'string' && name !== own && !secretHeaders.includes(name)) headers[name] = value;
  return { method, query, headers, bodyKind: body.kind, body: body.value };
}

/** What filters and paths see of it. */
export function valuesOf({ body, headers, query, method }: DeliveryData, kind: string): EventValues {
  return { body, headers, query, method, kind };
}

/** Longest name of a kind; characters. */
const maxKindLength = 100;

/** What the sender calls the event; `''` when its format has no name for it. */
export function kindOf(
  { verification }: Pick<Webhook, 'verification'>,
  { headers, body }: DeliveryData,
): string {
  const named = () => {
    switch (verification.type) {
      case 'github':
        return headers['x-github-event'];
      case 'slack':
        return nameIn(body, 'event') ?? nameIn({ body }, 'body');
      case 'standard':
      case 'stripe':
        return nameIn({ body }, 'body');
      default:
        return headers['x-event-type'];
    }
  };
  const kind = named() ?? '';
  return /^[\x20-\x7e]*$/.test(kind) ? kind.slice(0, maxKindLength) : '';
}

function nameIn(value: unknown, field: string): string | undefined {
  const inner = (value as Readonly<Record<string, unknown>> | null)?.[field];
  const { type } = (inner ?? {}) as { readonly type?: unknown };
  return typeof type === 'string' ? type : undefined;
}

/** The parameters that a trigger takes out of an event; those whose path leads nowhere are left out. */
export function parametersOf({ parameters }: Pick<Webhook, 'parameters'>, values: EventValues) {
  const found: Record<string, unknown> = {};
  for (const { name, path } of parameters) {
    const value = valueAt(path, values);
    if (value !== undefined) found[name] = value;
  }
  return found;
}
