import { apiPath } from '../base-url.ts';
import type { NewSessionBody } from '../requests.ts';
import type { SessionWire, TaskWire } from '../shapes.ts';
import { listOf, tolerantSession, tolerantTask } from '../tolerant.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Calls about sessions. Those with an id throw NotFoundError KERUTA_ERR_SESSION_NOT_FOUND. */
export interface SessionCalls {
  /** @throws {ConflictError} KERUTA_ERR_SESSION_NAME_TAKEN */
  create(body: NewSessionBody, options?: CallOptions): Promise<SessionWire>;
  list(options?: CallOptions): Promise<SessionWire[]>;
  get(id: string, options?: CallOptions): Promise<SessionWire>;
  /** Sessions whose name contains the text, in any case. */
  search(name: string, options?: CallOptions): Promise<SessionWire[]>;
  /** Sessions whose id begins with the text. @param prefix at least 4 characters, hex digits and `-` */
  partialId(prefix: string, options?: CallOptions): Promise<SessionWire[]>;
  byWorkspace(workspaceId: string, options?: CallOptions): Promise<SessionWire>;
  /** Sets the session's status for the system: `ACTIVE`, `INACTIVE`, `COMPLETED`, `ARCHIVED`. */
  setSystemStatus(id: string, status: string, options?: CallOptions): Promise<SessionWire>;
  /** Ends the session: it takes no more tasks. */
  close(id: string, options?: CallOptions): Promise<SessionWire>;
  delete(id: string, options?: CallOptions): Promise<void>;
  /** Tasks of a session in the server's order. @param status one status, or all */
  tasks(id: string, status?: string, options?: CallOptions): Promise<TaskWire[]>;
  /** Tasks that wait in a workspace, for agents that know no session. */
  pendingTasksOfWorkspace(workspaceId: string, options?: CallOptions): Promise<TaskWire[]>;
}

const sessionList = listOf(tolerantSession);
const taskList = listOf(tolerantTask);
const notFound = 'KERUTA_ERR_SESSION_NOT_FOUND';

/** @see SessionCalls */
export function sessionCalls(transport: Transport): SessionCalls {
  const setSystemStatus: SessionCalls['setSystemStatus'] = (id, status, options) =>
    transport.json(
      {
        method: 'PUT',
        path: apiPath('sessions', id, 'system-status'),
        json: { status },
        notFound,
        ...options,
      },
      tolerantSession,
    );
  return {
    create: (body, options) =>
      transport.json(
        {
          method: 'POST',
          path: apiPath('sessions'),
          json: body,
          conflict: 'KERUTA_ERR_SESSION_NAME_TAKEN',
          ...options,
        },
        tolerantSession,
      ),
    list: (options) => transport.json({ method: 'GET', path: apiPath('sessions'), ...options }, sessionList),
    get: (id, options) =>
      transport.json({ method: 'GET', path: apiPath('sessions', id), notFound, ...options }, tolerantSession),
    search: (name, options) =>
      transport.json(
        { method: 'GET', path: apiPath('sessions', 'search'), query: { name }, ...options },
        sessionList,
      ),
    partialId: (partialId, options) =>
      transport.json(
        {
          method: 'GET',
          path: apiPath('sessions', 'search', 'partial-id'),
          query: { partialId },
          ...options,
        },
        sessionList,
      ),
    byWorkspace: (workspaceId, options) =>
      transport.json(
        { method: 'GET', path: apiPath('sessions', 'by-workspace', workspaceId), notFound, ...options },
        tolerantSession,
      ),
    setSystemStatus,
    close: (id, options) => setSystemStatus(id, 'COMPLETED', options),
    delete: async (id, options) => {
      await transport.done({ method: 'DELETE', path: apiPath('sessions', id), notFound, ...options });
    },
    tasks: (id, status, options) =>
      transport.json(
        { method: 'GET', path: apiPath('sessions', id, 'tasks'), query: { status }, notFound, ...options },
        taskList,
      ),
    pendingTasksOfWorkspace: (workspaceId, options) =>
      transport.json(
        { method: 'GET', path: apiPath('workspaces', workspaceId, 'tasks', 'pending'), ...options },
        taskList,
      ),
  };
}
