/** Live: server-sent events of a session and of a task. */
import { z } from 'zod';
import { followSession, followTask } from '../../session/live.ts';
import { type Route, type RouteRequest, readers, route, sessionReaders } from '../route.ts';
import { eventStream } from '../sse.ts';

const params = z.object({ id: z.string() });
const query = z.object({
  /** `false`: without output */
  output: z.enum(['true', 'false']).default('true'),
  /** `false`: everything, however far behind */
  elide: z.enum(['true', 'false']).default('true'),
  /** for clients that cannot send the header Last-Event-ID */
  lastEventId: z.string().optional(),
});

/** Following a session, following a task. */
export const eventRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/sessions/:id/events',
    access: sessionReaders,
    summary:
      'Follows a session: status, progress, log, artifact, input, output and elided events; Last-Event-ID resumes.',
    tag: 'events',
    live: true,
    params,
    query,
    answers: { 200: null },
    handle: async (request, parts) =>
      eventStream(await followSession(parts, { ...wishOf(request), sessionId: request.params.id })),
  }),
  route({
    method: 'GET',
    path: '/api/v1/tasks/:id/events',
    access: readers,
    summary: 'Follows a task to its end; the stream is closed behind the event end.',
    tag: 'events',
    live: true,
    params,
    query,
    answers: { 200: null },
    handle: async (request, parts) =>
      eventStream(await followTask(parts, { ...wishOf(request), taskId: request.params.id })),
  }),
];

function wishOf({ caller, signal, headers, query: asked }: RouteRequest<unknown, z.output<typeof query>>) {
  return {
    caller,
    signal,
    output: asked.output === 'true',
    elide: asked.elide === 'true',
    lastEventId: headers['last-event-id'] ?? asked.lastEventId,
  };
}
