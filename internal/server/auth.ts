/** Who is asking: from the `Authorization` header to a caller, or to the reason why there is none. */
import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../pkg/clock/clock.ts';
import { DeniedError } from '../domain/errors.ts';
import type { Token } from '../domain/records.ts';
import type { Caller } from '../session/parts.ts';
import { hashToken } from '../session/tokens.ts';
import type { Store } from '../store/store.ts';
import type { Access } from './route.ts';

/** How long a token that was read from the store is believed, so that revoking works within 5 s everywhere; ms. */
export const tokenCacheMs = 2_000;
/** How long a good token is remembered for when the store is away, for those who look what is wrong; ms. */
const awayMs = 600_000;
/** So many tokens are remembered; more begin again from nothing. */
const maxCached = 10_000;

/** What it takes to tell who asks. */
export interface AuthenticatorParts {
  readonly store: Store;
  readonly clock: Clock;
  /** everybody is an administrator; for development on a loopback address only */
  readonly noAuth: boolean;
  /** SHA-256 of one more admin token, which is not in the store; lower-case hex */
  readonly adminTokenHash?: string;
}

/** Tells who asks. */
export interface Authenticator {
  /**
   * @param authorization  the header as it came; undefined when there is none
   * @param access         what the route asks for
   * @returns the caller; for an open route without a good token, a caller that may see nothing of a session
   * @param whileAway      whether a token that was good lately is believed while the store gives no answer
   * @throws {DeniedError} KERUTA_ERR_UNAUTHENTICATED, KERUTA_ERR_FORBIDDEN
   */
  identify(authorization: string | undefined, access: Access, whileAway?: boolean): Promise<Caller>;
}

/** Callers of open routes: they have no session, so every object is out of sight. */
const nobody: Caller = { actor: 'anonymous', scope: 'read-only', sessionId: '', taskId: '', attempt: null };
const everybody: Caller = { actor: 'no-auth', scope: 'admin', sessionId: null, taskId: null, attempt: null };
const operator: Caller = { ...everybody, actor: 'admin' };

/** Makes an authenticator with a cache of its own. */
export function makeAuthenticator(parts: AuthenticatorParts): Authenticator {
  const cache = new Map<string, { readonly token: Token; readonly readAt: number }>();

  const lookUp = async (hash: string, whileAway: boolean): Promise<Token | null> => {
    const known = cache.get(hash);
    const at = parts.clock.monotonicMs();
    if (known && at - known.readAt < tokenCacheMs) return known.token;
    const token = await parts.store.tokenByHash(hash).catch((error: unknown) => {
      if (whileAway && known && at - known.readAt < awayMs) return known.token;
      throw error;
    });
    if (token === known?.token) return token;
    if (cache.size >= maxCached) cache.clear();
    if (token === null) cache.delete(hash);
    else cache.set(hash, { token, readAt: at });
    return token;
  };

  return {
    identify: async (authorization, access, whileAway = false) => {
      if (access === 'open') return nobody;
      if (parts.noAuth) return everybody;
      const hash = hashToken(readBearer(authorization));
      const caller =
        parts.adminTokenHash !== undefined && sameHash(hash, parts.adminTokenHash)
          ? operator
          : toCaller(await checkToken(parts.store, await lookUp(hash, whileAway), hash));
      if (!access.includes(caller.scope)) {
        throw new DeniedError(
          'KERUTA_ERR_FORBIDDEN',
          `A token of scope ${caller.scope} may not do this; it takes one of scope ${access.join(' or ')}.`,
          { details: { scope: caller.scope, needed: [...access] } },
        );
      }
      return caller;
    },
  };
}

function readBearer(authorization: string | undefined): string {
  if (authorization === undefined) {
    throw unauthenticated('No token came; send Authorization: Bearer krt_… (KERUTA_API_TOKEN).');
  }
  const match = /^Bearer +([\x21-\x7e]{1,512}) *$/i.exec(authorization);
  if (!match?.[1]) {
    throw unauthenticated('The Authorization header is not of the form "Bearer krt_…".');
  }
  return match[1];
}

async function checkToken(store: Store, token: Token | null, hash: string): Promise<Token> {
  if (token === null || !sameHash(token.hash, hash)) {
    throw unauthenticated('The token is not one of this server; check KERUTA_API_TOKEN and the address.');
  }
  if (token.revokedAt !== null) throw unauthenticated('The token was revoked; ask for a new one.');
  if (token.expiresAt !== null && token.expiresAt <= (await store.now())) {
    throw unauthenticated('The token has expired; ask for a new one.');
  }
  return token;
}

function toCaller(token: Token): Caller {
  return {
    actor: token.id,
    scope: token.scope,
    sessionId: token.sessionId,
    taskId: token.taskId,
    attempt: token.attempt,
    role: token.role,
  };
}

function sameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function unauthenticated(message: string): DeniedError {
  return new DeniedError('KERUTA_ERR_UNAUTHENTICATED', message);
}
