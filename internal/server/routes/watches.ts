/** What agents watch, and what they saw. */
import { z } from 'zod';
import { fileEventAnswer, fileEventBody, watchShape } from '../../api/watch-shapes.ts';
import { fireFileEvent, watchesOf } from '../../session/file-events.ts';
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
    summary: 'Lists the directories that the agent of a session watches.',
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
    path: '/api/v1/triggers/:id/file-events',
    access: ['admin', 'session'],
    summary: 'Fires a file trigger by files that changed; the same files in the same state fire once.',
    tag,
    params: idPath,
    unmetered: true,
    body: fileEventBody,
    maxBodyBytes,
    answers: { 200: fileEventAnswer, 201: fileEventAnswer },
    handle: async ({ params, body, caller }, parts) => {
      const { changes, omitted } = body;
      const { occurrence, isNew } = await fireFileEvent(parts, {
        caller,
        triggerId: params.id,
        changes,
        omitted,
      });
      const { decision, reason, taskId } = occurrence;
      return { status: isNew ? 201 : 200, body: { decision, reason, taskId } };
    },
  }),
];
