/** Signs a request as its sender would, so that a webhook can be tried out. Pure. */
import { signatureOf } from './signatures.ts';
import type { Verification } from './verify.ts';

/** A request without its signature. */
export interface Unsigned {
  readonly body: Uint8Array;
  /** unique to this request */
  readonly id: string;
  /** epoch ms */
  readonly now: number;
}

/** The headers that show who the sender is, and those in which its format has the id of a delivery. */
export function signedHeaders(
  verification: Verification,
  secret: string,
  { body, id, now }: Unsigned,
): Readonly<Record<string, string>> {
  const seconds = String(Math.floor(now / 1000));
  switch (verification.type) {
    case 'none':
      return {};
    case 'bearer': {
      const { header } = verification;
      return { [header]: header === 'authorization' ? `Bearer ${secret}` : secret };
    }
    case 'basic':
      return {
        authorization: `Basic ${Buffer.from(`${verification.user}:${secret}`).toString('base64')}`,
      };
    case 'github':
      return {
        'x-github-delivery': id,
        'x-hub-signature-256': `sha256=${signatureOf(verification, secret, [body])}`,
      };
    case 'slack':
      return {
        'x-slack-request-timestamp': seconds,
        'x-slack-signature': `v0=${signatureOf(verification, secret, ['v0:', seconds, ':', body])}`,
      };
    case 'standard':
      return {
        'webhook-id': id,
        'webhook-timestamp': seconds,
        'webhook-signature': `v1,${signatureOf(verification, secret, [id, '.', seconds, '.', body])}`,
      };
    case 'stripe': {
      const signature = signatureOf(verification, secret, [seconds, '.', body]);
      return { [verification.header]: `t=${seconds},v1=${signature}` };
    }
    case 'hmac':
      return { [verification.header]: `${verification.prefix}${signatureOf(verification, secret, [body])}` };
  }
}

/** A body as senders of this kind send it, and the headers that go with it. */
export function sampleOf(
  { type }: Verification,
  id: string,
): { readonly body: unknown; readonly headers: Readonly<Record<string, string>> } {
  switch (type) {
    case 'github':
      return { body: { ref: 'refs/heads/main', commits: [] }, headers: { 'x-github-event': 'push' } };
    case 'slack':
      return { body: { type: 'event_callback', event_id: id, event: { type: 'test' } }, headers: {} };
    case 'stripe':
      return { body: { id, type: 'test' }, headers: {} };
    case 'standard':
      return { body: { type: 'test', data: {} }, headers: {} };
    default:
      return { body: { test: true }, headers: { 'idempotency-key': id } };
  }
}
