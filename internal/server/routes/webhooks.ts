/** Where senders of webhooks call. Open to everybody: each request shows by its signature that it may. */
import { z } from 'zod';
import { refuseRequest } from '../../../pkg/local-http/refuse-request.ts';
import { deliveredShape, webhookStatusShape } from '../../api/workflow-shapes.ts';
import { requireUnbound } from '../../session/authorize.ts';
import { type Delivered, type DeliveredTo, deliver } from '../../session/deliver.ts';
import type { SessionParts } from '../../session/parts.ts';
import { rerunDuplicates } from '../../session/rerun.ts';
import { waitForTask } from '../../session/wait-for-task.ts';
import { webhookStatus } from '../../session/webhook-status.ts';
import { maxWebhookWaitMs } from '../../trigger/webhook/webhook-spec.ts';
import { admins, type Route, type RouteAnswer, type RouteRequest, route } from '../route.ts';

/** Largest delivery; bytes. */
const maxDeliveryBytes = 5 * 1024 * 1024;
/** For the answer itself, beside the wait for a task; ms. */
const graceMs = 10_000;

/** Asks to fire again what came before. */
const rerunParameter = 'rerun';

const methods = ['POST', 'GET', 'PUT'] as const;
const paths = {
  '/api/v1/public/webhook/workflow/:id':
    'Fires the webhooks of a workflow, by its id, its name or their path.',
  '/api/v1/triggers/workflows/:id/webhook':
    'Fires the webhooks of a workflow, as the workflow scheduler calls it.',
  '/webhook/:id': 'Fires the webhooks of a path.',
};

/** Whether webhooks are listened for, and what came last. */
const statusRoute = route({
  method: 'GET',
  path: '/api/v1/public/webhooks/status',
  access: ['admin', 'read-only'],
  summary:
    'Lists the webhooks of the server: where they are, whether their secrets are there, what came last.',
  tag: 'webhooks',
  answers: { 200: z.array(webhookStatusShape) },
  handle: async ({ caller }, parts) => {
    requireUnbound(caller, 'webhooks');
    return { status: 200, body: await webhookStatus(parts) };
  },
});

const deliveryRoutes: readonly Route[] = Object.entries(paths).flatMap(([path, summary]) =>
  methods.map((method) =>
    route({
      method,
      path,
      access: 'open',
      restricted: { parameter: rerunParameter, access: admins },
      summary: `${summary} Signed as they ask; the answer comes when the event is durable. With ?rerun=1 and the token of an administrator, a delivery that came before is fired once more.`,
      tag: 'webhooks',
      bodyKind: 'raw',
      waits: true,
      delivers: true,
      maxBodyBytes: maxDeliveryBytes,
      deadlineMs: maxWebhookWaitMs + graceMs,
      params: z.object({ id: z.string().min(1).max(200) }),
      query: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
      answers: { 200: deliveredShape, 202: deliveredShape },
      handle: async (request, parts) => {
        const { params, query, headers, body } = request;
        const bytes = body instanceof Uint8Array ? body : new Uint8Array();
        const { [rerunParameter]: rerun, ...asked } = flat(query);
        const isFromPage = refuseRequest(headers, []) !== null;
        const delivery = { address: params.id, method, headers, query: asked, bytes, isFromPage };
        const delivered = await deliver(parts, delivery);
        if (rerun !== '1' || delivered.kind !== 'fired') return answerOf(delivered, parts, request);
        const to = await rerunDuplicates(parts, request.caller, delivered.to);
        return answerOf({ kind: 'fired', to: to as [DeliveredTo, ...DeliveredTo[]] }, parts, request);
      },
    }),
  ),
);

/** Routes of webhooks: those that senders call, and their state. */
export const webhookRoutes: readonly Route[] = [...deliveryRoutes, statusRoute];

/** Of a name that came several times, the last counts. */
function flat(query: Readonly<Record<string, string | readonly string[]>>): Record<string, string> {
  const last = (value: string | readonly string[]) =>
    typeof value === 'string' ? value : (value.at(-1) ?? '');
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, last(value)]));
}

async function answerOf(
  delivered: Delivered,
  parts: SessionParts,
  { signal }: Pick<RouteRequest, 'signal'>,
): Promise<RouteAnswer> {
  if (delivered.kind === 'greeting') return { status: 200, body: delivered.body, result: 'greeting' };
  const { to } = delivered;
  const [first] = to;
  const isDuplicate = to.every(({ status }) => status === 'duplicate');
  const headers = isDuplicate ? { 'x-keruta-duplicate': 'true' } : {};
  const waited = await waitFor(to, parts, signal);
  const isTaken = to.some(({ status }) => status === 'accepted');
  const result = isTaken ? 'accepted' : isDuplicate ? 'duplicate' : 'skipped';
  if (waited !== null) return { status: 200, headers, body: waited, result };
  const { status, reason, taskId, occurrenceId, eventId } = first;
  const told = to.map(({ waitMs: _, ...one }) => one);
  const body = { status, reason, taskId, occurrenceId, eventId, triggers: told };
  return { status: isDuplicate ? 200 : 202, headers, body, result };
}

/** The result of the first task that is waited for; null when none is, or it did not end in time. */
async function waitFor(
  to: readonly DeliveredTo[],
  parts: SessionParts,
  signal: AbortSignal,
): Promise<{ readonly status: string; readonly result: Readonly<Record<string, unknown>> } | null> {
  const waiting = to.find(({ waitMs, taskId }) => waitMs > 0 && taskId !== null);
  if (!waiting?.taskId) return null;
  const task = await waitForTask(parts, { taskId: waiting.taskId, ms: waiting.waitMs, signal });
  if (task === null || task.finishedAt === null) return null;
  const { id: taskId, status, message, exitCode, errorCode } = task;
  return { status, result: { taskId, message, exitCode, errorCode } };
}
