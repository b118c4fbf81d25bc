import { DeniedError, InputError } from '../domain/errors.ts';
import { parseSessionStatus, type Session, type SessionStatus, sessionStatuses } from '../domain/session.ts';
import type { Transaction } from '../store/store.ts';
import { visibleSession } from './authorize.ts';
import { readWish, type SessionWish } from './create-session.ts';
import { tellSession } from './events.ts';
import { type Caller, type SessionParts, whoOf } from './parts.ts';
import { putNamedSession } from './put-session.ts';
import { removeBytes } from './removals.ts';
import { noteSession, type SessionAction } from './session-log.ts';
import { toInstant } from './wire.ts';

/** Which session, and who asks. */
export interface SessionRef {
  readonly caller: Caller;
  readonly sessionId: string;
}

/**
 * Replaces what a client decides about a session; what is left out goes back to its default. Its status and the
 * workspace it is bound to stay, unless another workspace is named.
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND
 * @throws {ConflictError} KERUTA_ERR_SESSION_NAME_TAKEN
 * @throws {DeniedError} KERUTA_ERR_FORBIDDEN for the session's own token, when it asks for more than it was given
 */
export async function replaceSession(
  parts: SessionParts,
  ref: SessionRef,
  wish: SessionWish,
): Promise<Session> {
  const fields = readWish(wish);
  return onSession(parts, ref, async (tx, before, now) => {
    const workspaceId = wish.workspaceId ?? before.workspaceId;
    // a client that does not know of it must not take it away
    const { gitTimeoutMs } = wish.gitTimeoutSeconds === undefined ? before : fields;
    const session: Session = { ...before, ...fields, gitTimeoutMs, workspaceId, updatedAt: now };
    if (ref.caller.sessionId !== null) refuseOwn(before, session);
    await putNamedSession(tx, session);
    const note = noter(tx, parts, session, now);
    await note('session_updated', `Session ${session.name} was changed.`);
    if (JSON.stringify(before.templateConfig) !== JSON.stringify(session.templateConfig)) {
      await note('template_config_changed', `The template settings of session ${session.name} were changed.`);
      await tellTemplate(tx, before, session);
    }
    await tellMetadata(tx, session);
    return session;
  });
}

/**
 * What a session's own token does not change: name and workspace, by which work, policies and holds find a session, and
 * its time for git, which is a limit.
 */
const notOwn = { name: 'name', workspaceId: 'workspaceId', gitTimeoutMs: 'gitTimeoutSeconds' } as const;

function refuseOwn(before: Session, after: Session): void {
  const fields = Object.keys(notOwn) as (keyof typeof notOwn)[];
  const field = fields.find((each) => before[each] !== after[each]);
  if (field === undefined) return;
  throw new DeniedError(
    'KERUTA_ERR_FORBIDDEN',
    `The token of session ${before.name} does not change its ${notOwn[field]}; send it as it is, or ask with an admin token.`,
  );
}

/**
 * Sets the status of a session. A closed one takes no more tasks; what runs in it goes on.
 * @throws {InputError} KERUTA_ERR_BAD_STATUS
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND
 */
export async function setSessionStatus(parts: SessionParts, ref: SessionRef, text: string): Promise<Session> {
  const status = parseSessionStatus(text);
  if (status === null) {
    throw new InputError(
      'KERUTA_ERR_BAD_STATUS',
      `Expected one of ${sessionStatuses.join(', ')}; got ${JSON.stringify(text.slice(0, 60))}.`,
    );
  }
  return onSession(parts, ref, async (tx, before, now) => {
    if (before.status === status) return before;
    const session = { ...before, status, updatedAt: now };
    await tx.putSession(session);
    const note = noter(tx, parts, session, now);
    await note('status_changed', `Session ${session.name} went from ${before.status} to ${status}.`);
    await audit(tx, parts, {
      ref,
      action: 'session.status',
      session,
      now,
      details: { from: before.status, to: status },
    });
    return session;
  });
}

/** Adds a tag; one that is there already changes nothing. @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND */
export async function addTag(parts: SessionParts, ref: SessionRef, tag: string): Promise<Session> {
  return setTags(parts, ref, (tags) => (tags.includes(tag) ? tags : [...tags, tag]));
}

/** Takes a tag away; one that is not there changes nothing. @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND */
export async function removeTag(parts: SessionParts, ref: SessionRef, tag: string): Promise<Session> {
  return setTags(parts, ref, (tags) => (tags.includes(tag) ? tags.filter((each) => each !== tag) : tags));
}

/**
 * Removes a session, its tasks and their bytes. Agents at work in it learn it from the answers to their next calls.
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND
 */
export async function deleteSession(parts: SessionParts, ref: SessionRef): Promise<void> {
  const taskIds = await onSession(parts, ref, async (tx, session, now) => {
    const removed = await tx.deleteSession(session.id);
    await tx.insertRemovals(removed, now);
    const data = { deletedAt: toInstant(now) };
    await tellSession(tx, { sessionId: session.id, type: 'session_deleted', data, now });
    await audit(tx, parts, {
      ref,
      action: 'session.delete',
      session,
      now,
      details: { tasks: removed.length },
    });
    return removed;
  });
  await removeBytes(parts, taskIds);
}

/** Lists sessions that the caller may see, newest first. */
export async function listSessions(
  parts: SessionParts,
  caller: Caller,
  filter: {
    readonly name?: string;
    readonly idPrefix?: string;
    readonly status?: SessionStatus;
    readonly tag?: string;
  },
): Promise<Session[]> {
  const sessions = await parts.store.sessions(filter);
  return sessions.filter((session) => caller.sessionId === null || caller.sessionId === session.id);
}

async function setTags(
  parts: SessionParts,
  ref: SessionRef,
  change: (tags: readonly string[]) => readonly string[],
): Promise<Session> {
  return onSession(parts, ref, async (tx, before, now) => {
    const tags = change(before.tags);
    if (tags === before.tags) return before;
    const session = { ...before, tags, updatedAt: now };
    await tx.putSession(session);
    await noter(
      tx,
      parts,
      session,
      now,
    )('session_updated', `The tags of session ${session.name} were changed.`);
    await tellMetadata(tx, session);
    return session;
  });
}

async function onSession<T>(
  parts: SessionParts,
  ref: SessionRef,
  work: (tx: Transaction, session: Session, now: number) => Promise<T>,
): Promise<T> {
  const seen = await visibleSession(parts.store, ref.caller, ref.sessionId);
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    await tx.lockSession(seen.id);
    return work(tx, await visibleSession(tx, ref.caller, seen.id), now);
  });
}

function noter(tx: Transaction, parts: SessionParts, session: Session, now: number) {
  return (action: SessionAction, message: string) =>
    noteSession(tx, parts, { sessionId: session.id, action, message, now });
}

async function tellMetadata(tx: Transaction, session: Session): Promise<void> {
  const { id: sessionId, name, description, tags, updatedAt: now } = session;
  const data = { name, description, tags, updatedAt: toInstant(now) };
  await tellSession(tx, { sessionId, type: 'session_metadata_update', data, now });
}

async function tellTemplate(tx: Transaction, before: Session, session: Session): Promise<void> {
  const { id: sessionId, updatedAt: now } = session;
  const data = {
    eventType: 'template_changed',
    oldTemplateId: before.templateConfig?.templateId ?? null,
    newTemplateId: session.templateConfig?.templateId ?? null,
    changedAt: toInstant(now),
  };
  await tellSession(tx, { sessionId, type: 'session_template_changed', data, now });
}

async function audit(
  tx: Transaction,
  parts: SessionParts,
  done: {
    readonly ref: SessionRef;
    readonly action: string;
    readonly session: Session;
    readonly now: number;
    readonly details: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const { ref, action, session, now, details } = done;
  await tx.insertAudit({
    id: parts.random.uuid7(now),
    at: now,
    ...whoOf(ref.caller),
    action,
    sessionId: session.id,
    taskId: null,
    details: { name: session.name, ...details },
  });
}
