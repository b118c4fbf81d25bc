/** Where GitHub delivers. Open to everybody: each delivery shows by its signature that it may. */
import { z } from 'zod';
import { deliverGithub } from '../../session/deliver-github.ts';
import { type Route, route } from '../route.ts';

/** Largest delivery, as GitHub has it; bytes. */
const maxDeliveryBytes = 25 * 1024 * 1024;

const deliveredShape = z.object({
  status: z.enum(['pong', 'ignored', 'duplicate', 'accepted']),
  triggers: z.array(
    z.object({
      workflow: z.string(),
      trigger: z.string(),
      status: z.enum(['accepted', 'duplicate', 'skipped']),
      reason: z.string(),
      taskId: z.string().nullable(),
      occurrenceId: z.string(),
    }),
  ),
});

/** The one address for all triggers of type github. */
export const githubRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/public/webhooks/github',
    access: 'open',
    recognizes: ['admin'],
    summary:
      'Takes deliveries of GitHub, signed; the answer comes when the events are durable. With an admin token and rerun=1 one that is known runs once more.',
    tag: 'webhooks',
    bodyKind: 'raw',
    maxBodyBytes: maxDeliveryBytes,
    query: z.object({ rerun: z.string().optional() }),
    answers: { 200: deliveredShape, 202: deliveredShape },
    handle: async ({ headers, body, query, caller }, parts) => {
      const bytes = body instanceof Uint8Array ? body : new Uint8Array();
      const isAgain = query.rerun === '1' || query.rerun === 'true';
      const triggers = await deliverGithub(parts, { headers, bytes, rerunBy: isAgain ? caller : null });
      if (triggers === null) return { status: 200, body: { status: 'pong', triggers: [] } };
      if (triggers.length === 0) return { status: 200, body: { status: 'ignored', triggers } };
      if (triggers.every(({ status }) => status === 'duplicate'))
        return {
          status: 200,
          headers: { 'x-keruta-duplicate': 'true' },
          body: { status: 'duplicate', triggers },
        };
      return { status: 202, body: { status: 'accepted', triggers } };
    },
  }),
];
