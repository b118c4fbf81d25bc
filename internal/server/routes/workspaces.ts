/** Workspaces, as far as keruta knows them: a name that a session is bound to. */
import { z } from 'zod';
import { taskShape } from '../../api/shapes.ts';
import type { Session } from '../../domain/session.ts';
import { visibleSession } from '../../session/authorize.ts';
import { listTasks } from '../../session/list-tasks.ts';
import { toInstant, toTaskWire } from '../../session/wire.ts';
import { operators, type Route, readers, route } from '../route.ts';
import { idPath } from './path.ts';

const tag = 'workspaces';
const workspaceShape = z.looseObject({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  health: z.string(),
});

/** Routes about workspaces. */
export const workspaceRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/workspaces/:workspaceId/tasks/pending',
    access: readers,
    summary: 'Lists what waits in the session of a workspace, in the order in which it runs.',
    tag,
    params: z.object({ workspaceId: z.string() }),
    answers: { 200: z.array(taskShape) },
    handle: async ({ params: { workspaceId }, caller }, parts) => {
      const tasks = await listTasks(parts, caller, {
        query: { workspaceId, status: 'PENDING' },
        order: 'queue',
      });
      return { status: 200, body: tasks.map(toTaskWire) };
    },
  }),
  ...(['GET', 'POST'] as const).map((method) =>
    route({
      method,
      path: `/api/v1/sessions/:id/${method === 'GET' ? 'workspaces' : 'monitor-workspaces'}`,
      access: method === 'GET' ? readers : operators,
      summary: 'Lists the workspaces of a session: the one it is bound to.',
      tag,
      params: idPath,
      answers: { 200: z.array(workspaceShape) },
      handle: async ({ params, caller }, parts) => ({
        status: 200,
        body: workspacesOf(await visibleSession(parts.store, caller, params.id)),
      }),
    }),
  ),
  route({
    method: 'POST',
    path: '/api/v1/sessions/:id/sync-status',
    access: operators,
    summary: 'Tells how a session and its workspaces stand.',
    tag,
    params: idPath,
    answers: {
      200: z.object({
        sessionId: z.string(),
        sessionStatus: z.string(),
        workspaceCount: z.number(),
        workspaces: z.array(workspaceShape),
        syncedAt: z.number(),
      }),
    },
    handle: async ({ params, caller }, parts) => {
      const session = await visibleSession(parts.store, caller, params.id);
      const workspaces = workspacesOf(session).map(({ id, name, status, health }) => ({
        id,
        name,
        status,
        health,
      }));
      return {
        status: 200,
        body: {
          sessionId: session.id,
          sessionStatus: session.status,
          workspaceCount: workspaces.length,
          workspaces,
          syncedAt: await parts.store.now(),
        },
      };
    },
  }),
];

/** keruta makes no workspaces; what it does not know of one is given as unknown. */
function workspacesOf(session: Session) {
  if (session.workspaceId === null) return [];
  return [
    {
      id: session.workspaceId,
      name: session.name,
      ownerId: '',
      ownerName: '',
      templateId: session.templateConfig?.templateId ?? '',
      templateName: session.templateConfig?.templateName ?? '',
      status: 'unknown',
      health: 'unknown',
      accessUrl: null,
      autoStart: false,
      ttlMs: 0,
      lastUsedAt: null,
      createdAt: toInstant(session.createdAt),
      updatedAt: toInstant(session.updatedAt),
      sessionId: session.id,
    },
  ];
}
