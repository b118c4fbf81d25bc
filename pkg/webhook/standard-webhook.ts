/**
 * Signatures of Standard Webhooks.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac } from 'node:crypto';

/** A message, as far as its signature goes. */
export interface SignedMessage {
  /** the same when it is sent again */
  readonly id: string;
  /** of this try; epoch seconds */
  readonly timestamp: number;
  readonly body: string;
}

/** The headers of a signed message. */
export function standardHeaders(
  secret: string,
  { id, timestamp, body }: SignedMessage,
): Readonly<Record<string, string>> {
  const hmac = createHmac('sha256', standardKey(secret)).update(`${id}.${timestamp}.`).update(body);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${hmac.digest('base64')}`,
  };
}

/** A key is written as base64 behind `whsec_`; a text without that is taken as it is. */
export function standardKey(secret: string): Uint8Array {
  const prefix = 'whsec_';
  return secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), 'base64') : Buffer.from(secret);
}
