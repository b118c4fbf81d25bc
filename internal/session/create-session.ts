import { InputError } from '../domain/errors.ts';
import type { Session, TemplateConfig } from '../domain/session.ts';
import type { Transaction } from '../store/store.ts';
import { tellSession } from './events.ts';
import { type Caller, type SessionParts, whoOf } from './parts.ts';
import { putNamedSession } from './put-session.ts';
import { noteSession } from './session-log.ts';
import { toInstant } from './wire.ts';

/** What a session is made of; absent = none. */
export interface SessionWish {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  readonly repositoryUrl?: string | null | undefined;
  /** default `main` */
  readonly repositoryRef?: string | null | undefined;
  /** whole seconds for one checkout, as `maxGitTimeoutMs` allows */
  readonly gitTimeoutSeconds?: number | null | undefined;
  readonly templateConfig?: TemplateConfig | null | undefined;
  readonly workspaceId?: string | null | undefined;
}

/**
 * Makes a session, which begins ACTIVE.
 * @throws {InputError} KERUTA_ERR_REPOSITORY_REFUSED
 * @throws {ConflictError} KERUTA_ERR_SESSION_NAME_TAKEN
 */
export async function createSession(
  parts: SessionParts,
  caller: Caller,
  wish: SessionWish,
): Promise<Session> {
  const now = await parts.store.now();
  return parts.store.transact((tx) => createSessionIn(tx, { parts, caller, wish, now }));
}

/**
 * Makes a session inside a transaction that is under way.
 * @see createSession for what it throws
 */
export async function createSessionIn(
  tx: Transaction,
  creation: {
    readonly parts: SessionParts;
    readonly caller: Caller;
    readonly wish: SessionWish;
    /** epoch ms */
    readonly now: number;
  },
): Promise<Session> {
  const { parts, caller, wish, now } = creation;
  const session: Session = {
    id: parts.random.uuid4(),
    status: 'ACTIVE',
    ...readWish(wish),
    workspaceId: wish.workspaceId || null,
    createdAt: now,
    updatedAt: now,
  };
  await putNamedSession(tx, session);
  const { id: sessionId, name, status, description, tags } = session;
  const message = `Session ${name} was created.`;
  await noteSession(tx, parts, { sessionId, action: 'session_created', message, now });
  const data = { name, status, createdAt: toInstant(now), description, tags };
  await tellSession(tx, { sessionId, type: 'session_created', data, now });
  await tx.insertAudit({
    id: parts.random.uuid7(now),
    at: now,
    ...whoOf(caller),
    action: 'session.create',
    sessionId,
    taskId: null,
    details: { name },
  });
  return session;
}

/** The fields of a session that a client decides. */
export type SessionFields = Pick<
  Session,
  'name' | 'description' | 'tags' | 'repositoryUrl' | 'repositoryRef' | 'gitTimeoutMs' | 'templateConfig'
>;

/** Fills in what was left out, and looks at the repository. @throws {InputError} KERUTA_ERR_REPOSITORY_REFUSED */
export function readWish(wish: SessionWish): SessionFields {
  const template = wish.templateConfig ?? null;
  // a repository that only the template names is the session's
  const repositoryUrl = wish.repositoryUrl || template?.repositoryUrl || null;
  const repositoryRef = wish.repositoryRef || (wish.repositoryUrl ? null : template?.repositoryRef) || 'main';
  if (repositoryUrl !== null) checkRepositoryUrl(repositoryUrl);
  checkRef(repositoryRef);
  return {
    name: wish.name,
    description: wish.description ?? null,
    tags: [...new Set(wish.tags ?? [])],
    repositoryUrl,
    repositoryRef,
    gitTimeoutMs: wish.gitTimeoutSeconds ? wish.gitTimeoutSeconds * 1000 : null,
    templateConfig: template,
  };
}

/**
 * Refuses what git would read as an option or as a command: agents would refuse it too, but here somebody sees it.
 * @throws {InputError} KERUTA_ERR_REPOSITORY_REFUSED
 */
function checkRepositoryUrl(url: string): void {
  const bad = url.startsWith('-') || url.length > 2048 || hasControl(url) || /^[A-Za-z0-9+.-]+::/.test(url);
  if (!bad) return;
  throw new InputError(
    'KERUTA_ERR_REPOSITORY_REFUSED',
    'repositoryUrl: expected https://…, ssh://…, git@host:path, file://… or a path; what came is never handed to git.',
  );
}

function checkRef(ref: string): void {
  if (!ref.startsWith('-') && ref.length <= 255 && !hasControl(ref) && !/[\s~^:?*[\\]|\.\./.test(ref)) return;
  throw new InputError(
    'KERUTA_ERR_REPOSITORY_REFUSED',
    `repositoryRef: expected the name of a branch, a tag or a commit; got ${JSON.stringify(ref.slice(0, 60))}.`,
  );
}

function hasControl(text: string): boolean {
  return [...text].some((char) => char < ' ' || char === '\u007f');
}
