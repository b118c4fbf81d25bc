/**
 * The signatures that senders of webhooks use. Pure: from bytes, headers and secrets to yes or no, never an error. All are
 * over the bytes as they came, because a body that was parsed and written again is another text.
 *
 * @see https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 * @see https://api.slack.com/authentication/verifying-requests-from-slack
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @see https://docs.stripe.com/webhooks#verify-manually
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { standardKey } from '../../../pkg/webhook/standard-webhook.ts';

/** A request, as far as its signature goes. */
export interface SignedRequest {
  /** names in lower case; one that came twice is joined by a comma, and then is no signature any more */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  /** epoch ms */
  readonly now: number;
}

/** How a request is signed. */
export type Signature =
  | { readonly type: 'github' | 'slack' | 'standard' }
  | { readonly type: 'stripe'; readonly header: string }
  | {
      readonly type: 'hmac';
      readonly header: string;
      /** stands before the signature, such as `sha256=` */
      readonly prefix: string;
      readonly algorithm: 'sha256' | 'sha512';
      readonly encoding: 'hex' | 'base64' | 'base64url';
    };

/** How far the time that a sender signed may be from ours, both ways; ms. */
export const timestampWindowMs = 300_000;
/** Signatures of one header that are looked at: a sender that changes its secret sends two. */
const maxCandidates = 10;

/** Whether the request is signed with one of the secrets. Every secret is tried, so that the time says nothing. */
export function isSigned(signature: Signature, request: SignedRequest, secrets: readonly string[]): boolean {
  const claim = claimOf(signature, request);
  let found = 0;
  for (const secret of secrets) {
    const expected = signatureOf(signature, secret, [...claim.signed, request.body]);
    for (const candidate of claim.candidates) found |= Number(isSameText(expected, candidate));
  }
  return found > 0 && claim.isTimely;
}

/** Compares two texts in a time that says nothing about where they differ. Their length is no secret. */
export function isSameText(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  if (a.length === b.length) return timingSafeEqual(a, b);
  timingSafeEqual(a, a);
  return false;
}

/** What a request claims: signatures, what stands before the body in the signed bytes, and whether its time is ours. */
interface Claim {
  readonly candidates: readonly string[];
  readonly signed: readonly string[];
  readonly isTimely: boolean;
}

function claimOf(signature: Signature, { headers, now }: SignedRequest): Claim {
  switch (signature.type) {
    case 'github':
      return untimed(headers['x-hub-signature-256'], 'sha256=');
    case 'hmac':
      return untimed(headers[signature.header], signature.prefix);
    case 'slack': {
      const time = headers['x-slack-request-timestamp'] ?? '';
      const { candidates } = untimed(headers['x-slack-signature'], 'v0=');
      return { candidates, signed: ['v0:', time, ':'], isTimely: isTimely(time, now) };
    }
    case 'standard': {
      const [id = '', time = ''] = [headers['webhook-id'], headers['webhook-timestamp']];
      const header = headers['webhook-signature'] ?? '';
      // of two headers nobody knows which one counts
      const all = header.includes(', ') ? [] : header.split(' ');
      const given = all.filter((one) => one.startsWith('v1,'));
      const candidates = given.slice(0, maxCandidates).map((one) => one.slice(3));
      return { candidates, signed: [id, '.', time, '.'], isTimely: id !== '' && isTimely(time, now) };
    }
    case 'stripe': {
      const fields = (headers[signature.header] ?? '').split(',').map((one) => one.trim());
      const times = fields.filter((one) => one.startsWith('t=')).map((one) => one.slice(2));
      const given = fields.filter((one) => one.startsWith('v1='));
      const candidates = given.slice(0, maxCandidates).map((one) => one.slice(3));
      const [time = ''] = times;
      return { candidates, signed: [time, '.'], isTimely: times.length === 1 && isTimely(time, now) };
    }
  }
}

function untimed(header: string | undefined, prefix: string): Claim {
  const isThere = header?.startsWith(prefix) ?? false;
  return { candidates: isThere && header ? [header.slice(prefix.length)] : [], signed: [], isTimely: true };
}

/** Seconds since 1970, in digits only. */
function isTimely(time: string, now: number): boolean {
  return (
    /^\d{1,12}$/.test(time) && Math.abs(Math.floor(now / 1000) - Number(time)) * 1000 <= timestampWindowMs
  );
}

/** The signature of some bytes, in the encoding of its format. @param parts  what is signed, one behind the other */
export function signatureOf(
  signature: Signature,
  secret: string,
  parts: readonly (string | Uint8Array)[],
): string {
  const [algorithm, encoding] =
    signature.type === 'hmac'
      ? [signature.algorithm, signature.encoding]
      : (['sha256', signature.type === 'standard' ? 'base64' : 'hex'] as const);
  const hmac = createHmac(algorithm, signature.type === 'standard' ? standardKey(secret) : secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest(encoding);
}
