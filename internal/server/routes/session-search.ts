/** Finding sessions: by name, id, workspace, status, tag. */
import { z } from 'zod';
import { sessionShape } from '../../api/shapes.ts';
import { parseSessionStatus, type Session } from '../../domain/session.ts';
import { maySeeSession, sessionNotFound } from '../../session/authorize.ts';
import { listSessions } from '../../session/edit-session.ts';
import { toSessionWire } from '../../session/wire.ts';
import { type Route, type RouteAnswer, readers, route } from '../route.ts';

const tag = 'sessions';
const many = { 200: z.array(sessionShape) };
const answer = (sessions: readonly Session[]): RouteAnswer => ({
  status: 200,
  body: sessions.map(toSessionWire),
});

/** Routes that search `/api/v1/sessions`. */
export const sessionSearchRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/sessions/search',
    access: readers,
    summary: 'Finds sessions whose name contains a text, in any case.',
    tag,
    query: z.object({ name: z.string() }),
    answers: many,
    handle: async ({ query, caller }, parts) =>
      answer(await listSessions(parts, caller, { name: query.name })),
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/search/partial-id',
    access: readers,
    summary: 'Finds sessions whose id begins so; at least 4 characters.',
    tag,
    query: z.object({ partialId: z.string().trim().min(4) }),
    answers: many,
    handle: async ({ query, caller }, parts) => {
      if (!/^[0-9a-f-]+$/i.test(query.partialId)) return answer([]);
      return answer(await listSessions(parts, caller, { idPrefix: query.partialId }));
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/by-workspace/:workspaceId',
    access: readers,
    summary: 'Gives the session that is bound to a workspace.',
    tag,
    params: z.object({ workspaceId: z.string() }),
    answers: { 200: sessionShape },
    handle: async ({ params, caller }, parts) => {
      const session = await parts.store.sessionByWorkspace(params.workspaceId);
      if (session === null || !maySeeSession(caller, session.id)) throw sessionNotFound(params.workspaceId);
      return { status: 200, body: toSessionWire(session) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/status/:status',
    access: readers,
    summary: 'Lists sessions by status; none for a status that does not exist.',
    tag,
    params: z.object({ status: z.string() }),
    answers: many,
    handle: async ({ params, caller }, parts) => {
      const status = parseSessionStatus(params.status);
      return answer(status === null ? [] : await listSessions(parts, caller, { status }));
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/tag/:tag',
    access: readers,
    summary: 'Lists sessions that have a tag.',
    tag,
    params: z.object({ tag: z.string() }),
    answers: many,
    handle: async ({ params, caller }, parts) =>
      answer(await listSessions(parts, caller, { tag: params.tag })),
  }),
];
