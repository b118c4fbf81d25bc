/** Webhooks tried out, and what failed for good made anew. */
import {
  occurrenceShape,
  redriveBody,
  webhookTestBody,
  webhookTestedShape,
} from '../../api/workflow-shapes.ts';
import { redrive } from '../../session/redrive.ts';
import { testWebhook } from '../../session/test-webhook.ts';
import { toTestedWire } from '../../session/trigger-wire.ts';
import { toOccurrenceWire } from '../../session/workflow-wire.ts';
import { admins, type Route, route } from '../route.ts';
import { namePath } from './path.ts';

const tag = 'workflows';
/** A delivery of the largest size, as a text in JSON. */
const maxBodyBytes = 6 * 1024 * 1024;

/** Routes of `/api/v1/workflows/:name` for what people try. */
export const triggerTrialRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/workflows/:name/test',
    access: admins,
    summary:
      'Tries out a webhook: signs a delivery as its sender would, verifies it, and says what it fires; with `run` it is run, ' +
      'else nothing stays of it.',
    tag,
    params: namePath,
    body: webhookTestBody,
    maxBodyBytes,
    answers: { 200: webhookTestedShape },
    handle: async ({ params, body, caller }, parts) => {
      const { trigger, headers = {}, query = {}, run = false } = body;
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      const tested = await testWebhook(parts, {
        ...{ caller, workflow: params.name, trigger, query, isRun: run },
        headers: Object.fromEntries(lower),
        body: body.body === undefined ? undefined : Buffer.from(body.body),
      });
      return { status: 200, body: toTestedWire(tested, run) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/workflows/:name/redrive',
    access: admins,
    summary:
      'Makes a new task of what fired one that failed for good; asked again for the same one, it is the same task.',
    tag,
    params: namePath,
    body: redriveBody,
    answers: { 200: occurrenceShape, 201: occurrenceShape },
    handle: async ({ params, body, caller }, parts) => {
      const { occurrence, isNew } = await redrive(parts, { caller, workflow: params.name, task: body.task });
      return { status: isNew ? 201 : 200, body: toOccurrenceWire(occurrence, params.name) };
    },
  }),
];
