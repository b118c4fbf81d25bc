/** What tells that a delivery is one that came before. Pure. */
import { createHash } from 'node:crypto';
import { type EventValues, valueAt } from './value-path.ts';
import type { Webhook } from './webhook-spec.ts';

/** The same bytes again within this are the same delivery, with `dedupe: body`; ms. */
export const bodyWindowMs = 600_000;

/** A longer id is known by its digest; characters. */
const maxIdLength = 200;

/** The keys that a delivery is known by. */
export interface DeliveryKey {
  /** under which it is kept; null: nothing tells it from others, so that each is one of its own */
  readonly key: string | null;
  /** under which the same one may have been kept before, when that is not older than `bodyWindowMs` */
  readonly before: string | null;
}

/**
 * The key of a delivery. Its id comes from where the trigger says, else from where the format of its signature has it. It
 * never holds the time of the delivery, but for `dedupe: body`, which has no id.
 */
export function deliveryKey(
  webhook: Pick<Webhook, 'dedupe' | 'verification'>,
  delivery: { readonly values: EventValues; readonly bytes: Uint8Array; readonly now: number },
): DeliveryKey {
  const { values, bytes, now } = delivery;
  if (webhook.dedupe === 'body') {
    const digest = createHash('sha256').update(bytes).digest('hex');
    const window = Math.floor(now / bodyWindowMs);
    return { key: `body:${digest}:${window}`, before: `body:${digest}:${window - 1}` };
  }
  const id = idOf(webhook, values);
  return { key: id === null ? null : `delivery:${shortened(id)}`, before: null };
}

function idOf({ dedupe, verification }: Pick<Webhook, 'dedupe' | 'verification'>, values: EventValues) {
  const { headers } = values;
  if (dedupe !== null && dedupe !== 'body')
    return 'header' in dedupe ? textOf(headers[dedupe.header]) : textOf(valueAt(dedupe.path, values));
  const own = () => {
    switch (verification.type) {
      case 'github':
        return headers['x-github-delivery'];
      case 'standard':
        return headers['webhook-id'];
      case 'slack':
        return valueAt({ root: 'body', steps: ['event_id'] }, values);
      case 'stripe':
        return valueAt({ root: 'body', steps: ['id'] }, values);
      default:
        return undefined;
    }
  };
  return textOf(own()) ?? textOf(headers['idempotency-key']);
}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

function shortened(id: string): string {
  if (id.length <= maxIdLength && /^[\x20-\x7e]*$/.test(id)) return id;
  return `sha256-${createHash('sha256').update(id).digest('hex')}`;
}
