/** Live events about sessions in the manner of the plain protocol. */
import { z } from 'zod';
import { followRealtime } from '../../session/realtime.ts';
import { toInstant } from '../../session/wire.ts';
import { type Route, readers, route } from '../route.ts';
import { eventStream } from '../sse.ts';

const path = '/api/v1/sessions/realtime';
const eventTypes = [
  'connected',
  'session_created',
  'session_metadata_update',
  'session_template_changed',
  'session_deleted',
  'session_log_created',
];

/** Following sessions, and what there is to know about that. */
export const realtimeRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: `${path}/events`,
    access: readers,
    summary: 'Follows one session, or all; `connected` comes first.',
    tag: 'events',
    live: true,
    query: z.object({ sessionId: z.string().optional() }),
    answers: { 200: null },
    handle: async ({ query: { sessionId }, caller, signal }, parts) =>
      eventStream(await followRealtime(parts, { caller, sessionId: sessionId || null, signal }), {
        ids: false,
      }),
  }),
  route({
    method: 'GET',
    path: `${path}/health`,
    access: readers,
    summary: 'Tells that live events are served.',
    tag: 'events',
    answers: { 200: null },
    handle: async (_request, parts) => {
      const timestamp = toInstant(await parts.store.now());
      return { status: 200, body: { status: 'UP', timestamp, message: 'live events are served' } };
    },
  }),
  route({
    method: 'GET',
    path: `${path}/stats`,
    access: readers,
    summary: 'Tells which events there are and how soon to reconnect.',
    tag: 'events',
    answers: { 200: null },
    handle: async (_request, parts) => {
      const timestamp = await parts.store.now();
      return { status: 200, body: { events: eventTypes, reconnectInterval: 5_000, timestamp } };
    },
  }),
];
