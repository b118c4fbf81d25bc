/** Finds the session that a workspace belongs to, from what the workspace is called. */
import { NotFoundError } from '../domain/errors.ts';
import type { ApiClient } from './client/client.ts';
import type { SessionWire } from './shapes.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const wholeUuid = new RegExp(`${uuid.source}$`, 'i');

/** Where the name of a workspace may come from. */
export interface NameSources {
  /** CODER_WORKSPACE_NAME */
  readonly coderWorkspaceName?: string | undefined;
  readonly hostname?: string | undefined;
  /** PWD, or the current directory */
  readonly directory?: string | undefined;
}

/** Picks the name of the workspace: the variable, else the host, else a directory called `session-…`; null = none. */
export function workspaceName({ coderWorkspaceName, hostname, directory }: NameSources): string | null {
  if (coderWorkspaceName?.trim()) return coderWorkspaceName.trim();
  if (hostname && hostname !== 'localhost') return hostname;
  const last = directory?.split('/').findLast((part) => part !== '') ?? '';
  return last.startsWith('session-') ? last : null;
}

/**
 * Reads an id, or the beginning of one, out of the name of a workspace: `ws-<8 hex>-…-…`, `session-<id>…`, `<uuid>…`,
 * `<8 or more hex>-…`. Words that are no hex digits are not taken for ids, except behind `session-`, where the name
 * says what follows.
 *
 * @returns a UUID, or a part of at least 8 characters to search by; null when the name holds none
 */
export function sessionIdFromWorkspaceName(name: string): string | null {
  if (name.startsWith('ws-')) {
    const [first = '', ...others] = name.slice('ws-'.length).split('-');
    return others.length >= 2 && /^[0-9a-f]{8}$/i.test(first) ? first : null;
  }
  if (name.startsWith('session-')) {
    const rest = name.slice('session-'.length);
    const [first = ''] = rest.split('-');
    return uuid.exec(rest)?.[0] ?? (first.length >= 8 ? first : null);
  }
  const [first = '', ...others] = name.split('-');
  return uuid.exec(name)?.[0] ?? (others.length > 0 && /^[0-9a-f]{8,}$/i.test(first) ? first : null);
}

/** What is known about the session that is looked for; empty texts count as absent. */
export interface SessionHints {
  /** a UUID, the beginning of one, a name, or `session-<id>` */
  readonly sessionId?: string | null | undefined;
  readonly workspaceId?: string | null | undefined;
  readonly workspaceName?: string | null | undefined;
}

/**
 * Finds the session by the first hint that leads to one: the id as it is, by exact name, by the beginning of the id,
 * without `session-`; then the workspace id; then the workspace's name and the id in it. When several ids begin alike,
 * the one whose name is the workspace's is taken.
 *
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND that lists what was tried
 * @throws {UnavailableError} when the API cannot be asked
 */
export async function resolveSession(
  client: ApiClient,
  hints: SessionHints,
  signal?: AbortSignal,
): Promise<SessionWire> {
  const options = signal ? { signal } : {};
  const { sessionId, workspaceId, workspaceName: name } = hints;
  const tried: string[] = [];

  const find = async (what: string, look: () => Promise<SessionWire | null>) => {
    tried.push(what);
    try {
      return await look();
    } catch (error) {
      if (error instanceof NotFoundError) return null;
      throw error;
    }
  };
  const byId = (id: string) => find(`id "${id}"`, () => client.sessions.get(id, options));
  const byName = (text: string) =>
    find(`name "${text}"`, async () => {
      const sessions = await client.sessions.search(text, options);
      return sessions.find((session) => session.name === text) ?? null;
    });
  const byPrefix = (prefix: string) =>
    find(`ids that begin with "${prefix}"`, async () => {
      const sessions = await client.sessions.partialId(prefix, options);
      const named = sessions.filter((session) => session.name === name);
      const only = named.length === 1 ? named : sessions;
      if (only.length > 1)
        tried.push(
          `too many to choose from: ${only.map((session) => `${session.id} (${session.name})`).join(', ')}`,
        );
      return only.length === 1 ? (only[0] ?? null) : null;
    });
  const byAny = async (text: string): Promise<SessionWire | null> => {
    if (wholeUuid.test(text)) return byId(text);
    const bare = text.startsWith('session-') ? text.slice('session-'.length) : null;
    return (
      (await byName(text)) ??
      (isPrefix(text) ? await byPrefix(text) : null) ??
      (bare ? await byAny(bare) : null) ??
      (bare === null ? await byId(text) : null)
    );
  };

  let session: SessionWire | null = null;
  if (sessionId) session = await byAny(sessionId);
  else {
    if (workspaceId)
      session = await find(`workspace "${workspaceId}"`, () =>
        client.sessions.byWorkspace(workspaceId, options),
      );
    if (session === null && name) session = await byName(name);
    const inName = name ? sessionIdFromWorkspaceName(name) : null;
    if (session === null && inName !== null) session = await byAny(inName);
  }
  if (session !== null) return session;
  throw new NotFoundError(
    'KERUTA_ERR_SESSION_NOT_FOUND',
    `No session was found at ${client.baseUrl}. Tried: ${tried.join('; ') || 'nothing, for nothing is known'}. ` +
      'Name one by --session-id or KERUTA_SESSION_ID; `keruta session list` shows them.',
  );
}

/** What the search by the beginning of an id takes. */
const isPrefix = (text: string) => text.length >= 4 && /^[0-9a-f-]+$/i.test(text);
