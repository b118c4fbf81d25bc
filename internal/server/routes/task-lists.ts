/** Lists of tasks, by this and that. */
import { z } from 'zod';
import { taskShape } from '../../api/shapes.ts';
import { listTasks, type TaskQuery } from '../../session/list-tasks.ts';
import type { Caller, SessionParts } from '../../session/parts.ts';
import { toTaskWire } from '../../session/wire.ts';
import { type Route, type RouteAnswer, readers, route } from '../route.ts';
import { pageQuery, readPage } from './path.ts';

const common = {
  method: 'GET',
  access: readers,
  tag: 'tasks',
  answers: { 200: z.array(taskShape) },
} as const;
const sessionPath = z.object({ sessionId: z.string() });

/** Routes that list `/api/v1/tasks`. */
export const taskListRoutes: readonly Route[] = [
  route({
    ...common,
    path: '/api/v1/tasks',
    summary: 'Lists tasks, newest first.',
    query: pageQuery.extend({
      status: z.string().optional(),
      sessionId: z.string().optional(),
      workspaceId: z.string().optional(),
    }),
    handle: ({ query, caller }, parts) => {
      const { status, sessionId, workspaceId } = query;
      return list(parts, caller, { query: { status, sessionId, workspaceId, page: readPage(query) } });
    },
  }),
  route({
    ...common,
    path: '/api/v1/tasks/session/:sessionId',
    summary: 'Lists the tasks of a session in the order in which they run; none when it does not exist.',
    params: sessionPath,
    query: z.object({ status: z.string().optional() }),
    handle: ({ params: { sessionId }, query: { status }, caller }, parts) =>
      list(parts, caller, { query: { sessionId, status }, order: 'queue' }),
  }),
  route({
    ...common,
    path: '/api/v1/tasks/session/:sessionId/pending',
    summary: 'Lists what waits in a session, in the order in which it runs.',
    params: sessionPath,
    handle: ({ params: { sessionId }, caller }, parts) =>
      list(parts, caller, { query: { sessionId, status: 'PENDING' }, order: 'queue' }),
  }),
  route({
    ...common,
    path: '/api/v1/tasks/workspace/:workspaceId',
    summary: 'Lists the tasks of the session that is bound to a workspace, newest first.',
    params: z.object({ workspaceId: z.string() }),
    handle: ({ params: { workspaceId }, caller }, parts) => list(parts, caller, { query: { workspaceId } }),
  }),
  route({
    ...common,
    path: '/api/v1/tasks/status/:status',
    summary: 'Lists tasks by status, newest first.',
    params: z.object({ status: z.string() }),
    handle: ({ params: { status }, caller }, parts) => list(parts, caller, { query: { status } }),
  }),
  route({
    ...common,
    path: '/api/v1/tasks/search',
    summary: 'Finds tasks whose name contains a text, in any case, newest first.',
    query: z.object({ name: z.string() }),
    handle: ({ query: { name }, caller }, parts) => list(parts, caller, { query: { name } }),
  }),
];

async function list(
  parts: SessionParts,
  caller: Caller,
  wish: { readonly query: TaskQuery; readonly order?: 'queue' | 'newest' },
): Promise<RouteAnswer> {
  const tasks = await listTasks(parts, caller, { query: wish.query, order: wish.order ?? 'newest' });
  return { status: 200, body: tasks.map(toTaskWire) };
}
