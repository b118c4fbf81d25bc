/** Where GitHub delivers. Open to everybody: each delivery shows by its signature that it may. */
import { z } from 'zod';
import { deliverGithub, type GithubDelivered } from '../../session/deliver-github.ts';
import { admins, type Route, route } from '../route.ts';

/** Largest delivery, as GitHub has it; bytes. */
const maxDeliveryBytes = 25 * 1024 * 1024;

const deliveredShape = z.object({
  status: z.enum(['pong', 'ignored', 'duplicate', 'skipped', 'accepted']),
  triggers: z.array(
    z.object({
      workflow: z.string(),
      trigger: z.string(),
      status: z.enum(['accepted', 'duplicate', 'skipped']),
      reason: z.string(),
      filteredBy: z.string().nullable(),
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
    restricted: { parameter: 'rerun', access: admins },
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
      const status = statusOf(triggers);
      const told: Record<string, string> = status === 'duplicate' ? { 'x-keruta-duplicate': 'true' } : {};
      return {
        status: status === 'accepted' ? 202 : 200,
        headers: told,
        body: { status, triggers: triggers ?? [] },
      };
    },
  }),
];

/** What became of all of it, in one word: something runs, was known, or none of it counted. */
function statusOf(triggers: readonly GithubDelivered[] | null): string {
  if (triggers === null) return 'pong';
  if (triggers.length === 0) return 'ignored';
  const found = new Set(triggers.map(({ status }) => status));
  if (found.has('accepted')) return 'accepted';
  return found.has('duplicate') ? 'duplicate' : 'skipped';
}
