/** Whether a request may fire a trigger. Pure. */
import { isSameText, isSigned, type Signature, type SignedRequest } from './signatures.ts';

/** How a trigger tells its senders. */
export type Verification =
  | Signature
  /** the secret itself, in `Authorization: Bearer …` or in a header of its own */
  | { readonly type: 'bearer'; readonly header: string }
  | { readonly type: 'basic'; readonly user: string }
  | { readonly type: 'none' };

/** A key for requests that no trigger is there for: they cost the same time as others. */
const nobody = 'no trigger has this path';

/**
 * Whether a request is one of the trigger's senders'. Never throws.
 * @param secrets  those that are valid now; without any, only `none` is satisfied
 */
export function isVerified(
  verification: Verification,
  request: SignedRequest,
  secrets: readonly string[],
): boolean {
  switch (verification.type) {
    case 'none':
      return true;
    case 'bearer': {
      const { header } = verification;
      const given = request.headers[header] ?? '';
      const token = header === 'authorization' ? (/^Bearer +(\S+) *$/i.exec(given)?.[1] ?? '') : given;
      return isOneOf(token, secrets);
    }
    case 'basic': {
      const [, encoded = ''] = /^Basic +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
      const given = Buffer.from(encoded, 'base64').toString();
      return isOneOf(
        given,
        secrets.map((secret) => `${verification.user}:${secret}`),
      );
    }
    default:
      return isSigned(verification, request, secrets);
  }
}

/** Does the work of a verification for a request that no trigger is there for. */
export function verifyNobody(request: SignedRequest): void {
  isSigned({ type: 'github' }, request, [nobody]);
}

function isOneOf(given: string, expected: readonly string[]): boolean {
  let found = 0;
  for (const one of expected) found |= Number(one !== '' && isSameText(one, given));
  return found > 0;
}
