/** Bearer tokens: opaque, 256 bits of chance, kept as a SHA-256 only. */
import { createHash } from 'node:crypto';
import { ConflictError, InputError, NotFoundError } from '../domain/errors.ts';
import type { Token, TokenScope } from '../domain/records.ts';
import type { Transaction } from '../store/store.ts';
import { recordAct } from './append-ledger.ts';
import { visibleSession } from './authorize.ts';
import { oncePerKey } from './once-per-key.ts';
import { type Caller, type SessionParts, systemCaller } from './parts.ts';

/** What a token begins with, by scope, so that secret scanners can tell. */
export const tokenPrefixes: Readonly<Record<TokenScope, string>> = {
  admin: 'krt_adm_',
  session: 'krt_ses_',
  task: 'krt_tsk_',
  'read-only': 'krt_ro_',
};

/** What stands in the store instead of a token: its SHA-256, lower-case hex. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** A token that was just made: the only moment at which its text is known. */
export interface MintedToken {
  readonly token: string;
  readonly record: Token;
}

/** What a token is asked for. */
export interface NewToken {
  readonly scope: 'admin' | 'session' | 'read-only';
  /** required for scope `session`; optional for `read-only` */
  readonly sessionId?: string | null;
  readonly name?: string | null;
  /** what it may approve; absent = nothing but what its scope may */
  readonly role?: string | null;
  /** absent = until it is revoked */
  readonly expiresInMs?: number | null;
}

/**
 * Makes a token.
 * @param options.key  chosen by the client: the same key makes no second one
 * @throws {InputError} KERUTA_ERR_BAD_VALUE when scope and session do not fit
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND
 * @throws {ConflictError} KERUTA_ERR_IDEMPOTENCY when the key made one before: its text cannot be told again
 */
export async function createToken(
  parts: SessionParts,
  caller: Caller,
  wish: NewToken,
  options: { readonly key?: string | undefined } = {},
): Promise<MintedToken> {
  if (wish.scope === 'session' && !wish.sessionId) {
    throw new InputError('KERUTA_ERR_BAD_VALUE', 'A token of scope session needs a sessionId; none came.');
  }
  if (wish.scope === 'admin' && wish.sessionId) {
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      'A token of scope admin covers every session and takes no sessionId; use scope session to bind it.',
    );
  }
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    const session = wish.sessionId ? await visibleSession(tx, caller, wish.sessionId) : null;
    const minted = mint(parts, now, {
      scope: wish.scope,
      sessionId: session?.id ?? null,
      name: wish.name ?? '',
      role: wish.role ?? null,
      expiresAt: wish.expiresInMs ? now + wish.expiresInMs : null,
    });
    const { record } = minted;
    const first = async () => {
      await tx.putToken(record);
      await recordToken(tx, { parts, caller, action: 'token.create', token: record, now });
      return record;
    };
    const request = { caller, act: 'token', key: options.key, wish, now };
    await oncePerKey(tx, request, { first, again: refuseSecond });
    return minted;
  });
}

async function refuseSecond(tokenId: string): Promise<never> {
  throw new ConflictError(
    'KERUTA_ERR_IDEMPOTENCY',
    `The idempotency key made token ${tokenId} before; its text was in that answer and is kept nowhere. If it was lost, ` +
      `revoke it (\`keruta token revoke ${tokenId}\`) and ask with a new key.`,
    { details: { tokenId } },
  );
}

/** The tokens that exist, newest first; those of runs are left out. */
export function listTokens(parts: SessionParts): Promise<Token[]> {
  return parts.store.tokens();
}

/**
 * Revokes a token; it is refused everywhere within 5 s. Revoking it again changes nothing.
 * @throws {NotFoundError} KERUTA_ERR_TOKEN_NOT_FOUND
 */
export async function revokeToken(parts: SessionParts, caller: Caller, id: string): Promise<Token> {
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    const token = (await tx.tokens()).find((each) => each.id === id);
    if (!token) {
      throw new NotFoundError(
        'KERUTA_ERR_TOKEN_NOT_FOUND',
        `There is no token with id ${JSON.stringify(id)}; \`keruta token list\` shows those that exist.`,
      );
    }
    if (token.revokedAt !== null) return token;
    const revoked = { ...token, revokedAt: now };
    await tx.putToken(revoked);
    await recordToken(tx, { parts, caller, action: 'token.revoke', token: revoked, now });
    return revoked;
  });
}

/**
 * Sees to it that there is an admin token.
 * @param options.given  a token that the operator chose: it is registered; absent = one is made when there is none yet
 * @param options.fresh  make one even if there are others, because their text is lost
 * @returns the token's text when it was made now; null when it was given or when there was one
 * @throws {InputError} KERUTA_ERR_CONFIG when the given one cannot stand in a header, or was revoked
 */
export async function ensureAdminToken(
  parts: SessionParts,
  options: { readonly given?: string; readonly fresh?: boolean } = {},
): Promise<string | null> {
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    // servers that share a database and start at once would both find none and make it twice
    await tx.lockSession('the admin token');
    if (options.given !== undefined) {
      await registerAdminToken(tx, parts, { token: options.given, now });
      return null;
    }
    const alive = (await tx.tokens()).some(
      (token) =>
        token.scope === 'admin' &&
        token.revokedAt === null &&
        (token.expiresAt === null || token.expiresAt > now),
    );
    if (alive && !options.fresh) return null;
    const minted = mint(parts, now, { scope: 'admin', sessionId: null, name: 'admin', expiresAt: null });
    await tx.putToken(minted.record);
    await recordToken(tx, { parts, caller: systemCaller, action: 'token.create', token: minted.record, now });
    return minted.token;
  });
}

async function registerAdminToken(
  tx: Transaction,
  parts: SessionParts,
  given: { readonly token: string; readonly now: number },
): Promise<void> {
  if (!/^[\x21-\x7e]{8,512}$/.test(given.token)) {
    throw new InputError(
      'KERUTA_ERR_CONFIG',
      'The admin token must be 8 to 512 visible ASCII characters without spaces; what is set is not.',
    );
  }
  const known = await tx.tokenByHash(hashToken(given.token));
  if (known !== null && (known.revokedAt !== null || known.scope !== 'admin')) {
    throw new InputError(
      'KERUTA_ERR_CONFIG',
      'The admin token that is set was revoked or has another scope; set a new one.',
    );
  }
  if (known !== null) return;
  const { record } = mint(parts, given.now, {
    scope: 'admin',
    sessionId: null,
    name: 'admin',
    expiresAt: null,
  });
  const token = { ...record, hash: hashToken(given.token) };
  await tx.putToken(token);
  await recordToken(tx, { parts, caller: systemCaller, action: 'token.create', token, now: given.now });
}

/**
 * Makes the token of one run, inside the transaction of its claim.
 * @param run.now  epoch ms, from `store.now()` before the transaction
 * @returns its text, and its record, whose id `expireTaskTokens` takes as `keep`
 */
export async function mintTaskToken(
  tx: Transaction,
  parts: Pick<SessionParts, 'random'>,
  run: {
    readonly taskId: string;
    readonly sessionId: string;
    readonly attempt: number;
    readonly now: number;
  },
): Promise<MintedToken> {
  const { now, ...bound } = run;
  const minted = mint(parts, now, { scope: 'task', name: '', expiresAt: null, ...bound });
  await tx.putToken(minted.record);
  return minted;
}

function mint(
  parts: Pick<SessionParts, 'random'>,
  now: number,
  wish: {
    readonly scope: TokenScope;
    readonly sessionId: string | null;
    readonly name: string;
    readonly expiresAt: number | null;
    readonly role?: string | null;
    readonly taskId?: string;
    readonly attempt?: number;
  },
): MintedToken {
  const token = tokenPrefixes[wish.scope] + parts.random.secret(32);
  return {
    token,
    record: {
      id: parts.random.uuid7(now),
      scope: wish.scope,
      sessionId: wish.sessionId,
      taskId: wish.taskId ?? null,
      attempt: wish.attempt ?? null,
      role: wish.role ?? null,
      name: wish.name,
      hash: hashToken(token),
      createdAt: now,
      expiresAt: wish.expiresAt,
      revokedAt: null,
    },
  };
}

function recordToken(
  tx: Transaction,
  done: {
    readonly parts: SessionParts;
    readonly caller: Caller;
    readonly action: string;
    readonly token: Token;
    readonly now: number;
  },
): Promise<void> {
  const { id: tokenId, scope, name, role, sessionId } = done.token;
  return recordAct(tx, done.parts, { ...done, details: { tokenId, scope, name, role, sessionId } });
}
