/** How triggers are, and ranges of time made good. */
import { z } from 'zod';
import {
  backfillBody,
  backfillCancelBody,
  backfillCancelledShape,
  backfilledShape,
  firedShape,
  type TriggerStatusWire,
  triggerHealthShape,
  triggerStatusShape,
} from '../../api/trigger-shapes.ts';
import { fireBody } from '../../api/workflow-shapes.ts';
import { namedWorkflow } from '../../session/apply-workflow.ts';
import { requireUnbound } from '../../session/authorize.ts';
import { backfill, cancelBackfill } from '../../session/backfill.ts';
import { governedState } from '../../session/governed-state.ts';
import type { SessionParts } from '../../session/parts.ts';
import { overdueTriggers, statusOfTrigger } from '../../session/trigger-status.ts';
import { toBackfilledWire, toStatusWire } from '../../session/trigger-wire.ts';
import { toInstant, toInstantOrNull } from '../../session/wire.ts';
import { admins, lookers, type Route, route } from '../route.ts';
import { answerFire } from './answer-fire.ts';
import { namePath } from './path.ts';

const tag = 'workflows';
/** How every trigger of a workflow is. @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND */
export async function triggerStates(parts: SessionParts, name: string): Promise<TriggerStatusWire[]> {
  const workflow = await namedWorkflow(parts.store, name);
  const now = await parts.store.now();
  const governed = await governedState(parts, { workflow, now });
  const states: TriggerStatusWire[] = [];
  for (const trigger of await parts.store.triggers({ workflowId: workflow.id }))
    states.push(toStatusWire(await statusOfTrigger(parts, { trigger, workflow, now }), governed));
  return states;
}

const statusRoutes = ['/api/v1/workflows/:name/status', '/api/v1/triggers/workflows/:name/status'].map(
  (path) =>
    route({
      method: 'GET',
      path,
      access: lookers,
      summary:
        'Tells how the triggers of a workflow are: what comes next, how the last runs went, why it did not run, what limits leave.',
      tag,
      params: namePath,
      answers: { 200: z.array(triggerStatusShape) },
      handle: async ({ params, caller }, parts) => {
        requireUnbound(caller, 'workflows');
        return { status: 200, body: await triggerStates(parts, params.name) };
      },
    }),
);

/** Routes about the state of triggers. */
export const triggerStateRoutes: readonly Route[] = [
  ...statusRoutes,
  route({
    method: 'GET',
    path: '/api/v1/triggers/health',
    access: lookers,
    summary: 'Tells whether triggers fire: `degraded` when one missed two instants or more.',
    tag,
    answers: { 200: triggerHealthShape },
    handle: async ({ caller }, parts) => {
      requireUnbound(caller, 'workflows');
      return { status: 200, body: await healthOf(parts) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/triggers/workflows/:name/manual',
    access: admins,
    summary: 'Fires a workflow by hand, as POST /api/v1/workflows/:name/fire does.',
    tag,
    params: namePath,
    body: fireBody,
    answers: { 200: firedShape, 201: firedShape, 202: firedShape },
    handle: async ({ params, body, caller, headers }, parts) =>
      answerFire(parts, { workflow: params.name, body, caller, headers }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/workflows/:name/backfill',
    access: admins,
    summary: 'Runs what a trigger by time should have run in a range; the same range again runs nothing.',
    tag,
    params: namePath,
    body: backfillBody,
    answers: { 200: backfilledShape },
    handle: async ({ params, body, caller }, parts) => {
      const { from, to, onlyMissing = true, dryRun = false, trigger } = body;
      const range = { from: Date.parse(from), to: Date.parse(to) };
      const wish = { caller, workflow: params.name, trigger, ...range, onlyMissing, dryRun };
      return { status: 200, body: toBackfilledWire(await backfill(parts, wish), dryRun) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/workflows/:name/backfill/cancel',
    access: admins,
    summary: 'Cancels the tasks of a backfill that wait; those under way go on.',
    tag,
    params: namePath,
    body: backfillCancelBody,
    answers: { 200: backfillCancelledShape },
    handle: async ({ params, body, caller }, parts) => {
      const wish = { caller, workflow: params.name, trigger: body.trigger, backfill: body.id };
      const cancelled = await cancelBackfill(parts, wish);
      return { status: 200, body: { cancelled: cancelled.map(({ id }) => id) } };
    },
  }),
];

async function healthOf(parts: SessionParts): Promise<z.output<typeof triggerHealthShape>> {
  const { store } = parts;
  const triggers = await store.triggers({});
  const overdue = [...(await overdueTriggers(parts))];
  const disabled = triggers.filter(({ enabled }) => !enabled).length;
  const held = triggers.filter(({ enabled, pausedAt }) => enabled && pausedAt !== null).length;
  return {
    health: overdue.length > 0 ? 'degraded' : 'healthy',
    reasons: overdue.map((name) => `${name} missed two instants or more`),
    triggers: { total: triggers.length, awake: triggers.length - disabled - held, held, disabled },
    nextAt: toInstantOrNull(await store.nextDueAt()),
    overdue,
    timestamp: toInstant(await store.now()),
  };
}
