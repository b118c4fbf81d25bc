/** Policies of sessions and the one over everything: looked at, set, and on record when they change. */
import { isDeepStrictEqual } from 'node:util';
import type { Policy } from '../domain/policy.ts';
import { readPolicy } from '../trigger/read-policy.ts';
import { writePolicy } from '../trigger/write-workflow.ts';
import { recordAct } from './append-ledger.ts';
import { visibleSession } from './authorize.ts';
import type { Caller, SessionParts } from './parts.ts';
import { globalPlace, sessionPlace } from './policies-of.ts';

/** A policy in its place, as people write it. */
export interface ShownPolicy {
  /** the session that it is of; null = it is over everything */
  readonly sessionId: string | null;
  /** null = it says nothing */
  readonly policy: Readonly<Record<string, unknown>> | null;
  readonly actor: string | null;
  readonly updatedAt: number | null;
}

/** Which policy: of a session, or over everything. */
export interface PolicyRef {
  readonly caller: Caller;
  /** id of a session; absent = the one over everything */
  readonly sessionId?: string | undefined;
}

/** Tells a policy. @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND */
export async function showPolicy(parts: SessionParts, ref: PolicyRef): Promise<ShownPolicy> {
  const sessionId = await sessionOf(parts, ref);
  const [stored] = await parts.store.policies([placeOf(sessionId)]);
  return shown(sessionId, stored ?? null);
}

/**
 * Sets a policy; one that says nothing removes it. It counts from the next time that something falls due. The same again
 * changes nothing, and is on record once.
 * @param wish.value  as people write it
 * @throws {InputError} KERUTA_ERR_POLICY_SHAPE with every fault
 */
export async function setPolicy(
  parts: SessionParts,
  wish: PolicyRef & { readonly value: unknown },
): Promise<ShownPolicy> {
  const policy = readPolicy(wish.value);
  const sessionId = await sessionOf(parts, wish);
  const now = await parts.store.now();
  const place = placeOf(sessionId);
  return parts.store.transact(async (tx) => {
    await tx.lockSession(`policy ${sessionId === null ? 'global' : 'session'} ${sessionId ?? ''}`);
    const [before] = await tx.policies([place]);
    const written = (one: Policy | null | undefined) => (one ? writePolicy(one) : null);
    const [was, is] = [written(before?.policy), written(policy)];
    if (isDeepStrictEqual(was, is)) return shown(sessionId, before ?? null);
    const row = policy === null ? null : { place, policy, actor: wish.caller.actor, updatedAt: now };
    if (row === null) await tx.deletePolicy(place);
    else await tx.putPolicy(row);
    await recordAct(tx, parts, {
      ...{ caller: wish.caller, action: 'policy.set', now },
      details: { place, sessionId, before: was, after: is },
    });
    tx.notify('triggers');
    return shown(sessionId, row);
  });
}

const placeOf = (sessionId: string | null) => (sessionId === null ? globalPlace : sessionPlace(sessionId));

async function sessionOf(parts: SessionParts, { caller, sessionId }: PolicyRef): Promise<string | null> {
  return sessionId === undefined ? null : (await visibleSession(parts.store, caller, sessionId)).id;
}

function shown(
  sessionId: string | null,
  stored: { readonly policy: Policy; readonly actor: string; readonly updatedAt: number } | null,
): ShownPolicy {
  return {
    sessionId,
    policy: stored === null ? null : writePolicy(stored.policy),
    actor: stored?.actor ?? null,
    updatedAt: stored?.updatedAt ?? null,
  };
}
