import { NotFoundError } from '../domain/errors.ts';
import type { SessionLog } from '../domain/records.ts';
import type { Session } from '../domain/session.ts';
import type { LogFilter, Page, Reads, Transaction } from '../store/store.ts';
import { visibleSession } from './authorize.ts';
import { putSessionLog } from './events.ts';
import { oncePerKey } from './once-per-key.ts';
import type { Caller, SessionParts } from './parts.ts';
import { readLevel } from './task-logs.ts';

/** What keruta itself writes into the log of a session. */
export type SessionAction =
  | 'session_created'
  | 'session_updated'
  | 'template_config_changed'
  | 'status_changed'
  | 'session_deleted';

/** Writes one line of keruta's own into the log of a session, inside a transaction. */
export async function noteSession(
  tx: Transaction,
  parts: Pick<SessionParts, 'random'>,
  note: {
    readonly sessionId: string;
    readonly action: SessionAction;
    readonly message: string;
    readonly now: number;
  },
): Promise<void> {
  await putSessionLog(tx, {
    id: parts.random.uuid7(note.now),
    sessionId: note.sessionId,
    level: 'INFO',
    source: 'system',
    action: note.action,
    message: note.message,
    details: null,
    metadata: {},
    userId: null,
    timestamp: note.now,
  });
}

/** One line as a client sends it. */
export interface NewSessionLog {
  readonly level: string;
  readonly source: string;
  readonly action: string;
  readonly message: string;
  readonly details?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
  readonly userId?: string | null | undefined;
}

/** Filters of a session's log; absent = any. */
export type SessionLogFilter = LogFilter & { readonly action?: string };

/**
 * Adds one line to the log of a session.
 * @param options.key  chosen by the client: the same line with the same key again is the one that was added
 * @throws {InputError} KERUTA_ERR_BAD_LEVEL
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND; KERUTA_ERR_NOT_FOUND when the line that the key added was removed
 * @throws {ConflictError} KERUTA_ERR_IDEMPOTENCY
 */
export async function addSessionLog(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly sessionId: string },
  line: NewSessionLog,
  options: { readonly key?: string | undefined } = {},
): Promise<SessionLog> {
  const level = readSessionLevel(line.level);
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    const session = await visibleSession(tx, ref.caller, ref.sessionId);
    const log: SessionLog = {
      id: parts.random.uuid7(now),
      sessionId: session.id,
      level,
      source: line.source,
      action: line.action,
      message: line.message,
      details: line.details ?? null,
      metadata: line.metadata ?? {},
      userId: line.userId ?? null,
      timestamp: now,
    };
    const act = `session log ${session.id}`;
    return oncePerKey(
      tx,
      { caller: ref.caller, act, key: options.key, wish: line, now },
      {
        first: async () => {
          await putSessionLog(tx, log);
          return log;
        },
        again: (id) => foundLog(tx, session, id),
      },
    );
  });
}

/** Lines of a session's log, newest first. @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND */
export async function listSessionLogs(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly sessionId: string },
  { filter, page }: { readonly filter: SessionLogFilter; readonly page: Page },
): Promise<SessionLog[]> {
  const session = await visibleSession(parts.store, ref.caller, ref.sessionId);
  return parts.store.sessionLogs(session.id, filter, page);
}

/** Lines of every session that the caller may see, newest first. */
export function recentSessionLogs(
  parts: SessionParts,
  caller: Caller,
  { filter, page }: { readonly filter: SessionLogFilter; readonly page: Page },
): Promise<SessionLog[]> {
  return parts.store.sessionLogs(caller.sessionId, filter, page);
}

/** How many lines a session's log has. @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND */
export async function countSessionLogs(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly sessionId: string },
  filter: SessionLogFilter,
): Promise<number> {
  const session = await visibleSession(parts.store, ref.caller, ref.sessionId);
  return parts.store.countSessionLogs(session.id, filter);
}

/**
 * One line of a session's log.
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND; KERUTA_ERR_NOT_FOUND, also when it is of another session
 */
export async function getSessionLog(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly sessionId: string },
  logId: string,
): Promise<SessionLog> {
  const session = await visibleSession(parts.store, ref.caller, ref.sessionId);
  return foundLog(parts.store, session, logId);
}

/** Empties the log of a session. @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND */
export async function deleteSessionLogs(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly sessionId: string },
): Promise<void> {
  await parts.store.transact(async (tx) => {
    const session = await visibleSession(tx, ref.caller, ref.sessionId);
    await tx.deleteSessionLogs(session.id);
  });
}

/** Reads a level of a session's log, which knows TRACE too. @throws {InputError} KERUTA_ERR_BAD_LEVEL */
export function readSessionLevel(text: string): SessionLog['level'] {
  return text.trim().toUpperCase() === 'TRACE' ? 'TRACE' : readLevel(text);
}

async function foundLog(reads: Reads, session: Session, logId: string): Promise<SessionLog> {
  const log = await reads.sessionLog(logId);
  if (log !== null && log.sessionId === session.id) return log;
  throw new NotFoundError(
    'KERUTA_ERR_NOT_FOUND',
    `The log of session ${session.name} has no line ${JSON.stringify(logId.slice(0, 80))}.`,
  );
}
