/** What agents watch, and what they saw. */
import { z } from 'zod';
import {
  fileEventsAnswer,
  fileEventsBody,
  watcherAnswer,
  watcherBody,
  watchShape,
} from '../../api/watch-shapes.ts';
import { fireFileEvents, watchesOf } from '../../session/file-events.ts';
import { claimWatches } from '../../session/watcher.ts';
import { type Route, route } from '../route.ts';

const tag = 'workflows';
const idPath = z.object({ id: z.string().min(1).max(200) });
/** A thousand paths of the longest kind. */
const maxBodyBytes = 20 * 1024 * 1024;

/** Routes of file triggers. */
export const watchRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/sessions/:id/watches',
    access: ['admin', 'session', 'read-only'],
    summary: 'Lists the directories that an agent of a session watches.',
    tag,
    params: idPath,
    unmetered: true,
    answers: { 200: z.array(watchShape) },
    handle: async ({ params, caller }, parts) => ({
      status: 200,
      body: await watchesOf(parts, { caller, sessionId: params.id }),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/sessions/:id/watches',
    access: ['admin', 'session'],
    summary:
      'Tells an agent what to watch. One agent of a session watches at a time, as long as it goes on asking.',
    tag,
    params: idPath,
    unmetered: true,
    body: watcherBody,
    answers: { 200: watcherAnswer },
    handle: async ({ params, body, caller }, parts) => ({
      status: 200,
      body: await claimWatches(parts, { caller, sessionId: params.id, agentId: body.agentId }),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/triggers/:id/file-events',
    access: ['admin', 'session'],
    summary: 'Fires a file trigger by files that changed; the same files in the same state fire once.',
    tag,
    params: idPath,
    unmetered: true,
    body: fileEventsBody,
    maxBodyBytes,
    answers: { 200: fileEventsAnswer },
    handle: async ({ params, body, caller }, parts) => {
      const fired = await fireFileEvents(parts, { caller, triggerId: params.id, events: body.events });
      const results = fired.map(({ occurrence: { decision, reason, taskId } }) => ({
        decision,
        reason,
        taskId,
      }));
      return { status: 200, body: { results } };
    },
  }),
];
