/** Workflows: made, looked at, removed; and their triggers held, let go and fired by hand. */
import { z } from 'zod';
import { firedShape } from '../../api/trigger-shapes.ts';
import {
  appliedShape,
  fireBody,
  holdBody,
  occurrenceShape,
  replayBody,
  triggerShape,
  workflowShape,
  workflowVersionShape,
} from '../../api/workflow-shapes.ts';
import { applyWorkflow, deleteWorkflow, namedWorkflow } from '../../session/apply-workflow.ts';
import { requireUnbound } from '../../session/authorize.ts';
import type { Caller } from '../../session/parts.ts';
import { replayEvent } from '../../session/replay.ts';
import { pauseTrigger, resumeTrigger } from '../../session/trigger-verbs.ts';
import {
  toAppliedWire,
  toOccurrenceWire,
  toTriggerWire,
  toVersionWire,
  toWorkflowWire,
} from '../../session/workflow-wire.ts';
import type { Store } from '../../store/store.ts';
import { readIdempotencyKey } from '../idempotency-key.ts';
import { admins, lookers, type Route, route } from '../route.ts';
import { answerFire } from './answer-fire.ts';
import { namePath, pageQuery, readPage } from './path.ts';

const tag = 'workflows';
/** A definition holds scripts, up to 1 MiB each. */
const maxBodyBytes = 8 * 1024 * 1024;
/** Occurrences of one answer, unless asked otherwise. */
const defaultPage = { limit: 50, offset: 0 };

/** Routes of `/api/v1/workflows`. */
export const workflowRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/workflows',
    access: admins,
    summary: 'Makes a workflow, or changes the one of that name; the same again changes nothing.',
    tag,
    query: z.object({
      dryRun: z.stringbool().optional(),
      takeOver: z.stringbool().optional(),
      owner: z
        .string()
        .max(300)
        .regex(/^(api|file:.+)$/)
        .optional(),
    }),
    body: z.looseObject({}),
    maxBodyBytes,
    answers: { 200: appliedShape, 201: appliedShape },
    handle: async ({ body, query, caller }, parts) => {
      const { dryRun = false, takeOver = false, owner = 'api' } = query;
      const applied = await applyWorkflow(parts, { caller, value: body, owner, dryRun, takeOver });
      return { status: applied.change === 'created' && !dryRun ? 201 : 200, body: toAppliedWire(applied) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/workflows',
    access: lookers,
    summary: 'Lists all workflows by name.',
    tag,
    answers: { 200: z.array(workflowShape) },
    handle: async ({ caller }, { store }) => {
      requireUnbound(caller, 'workflows');
      const workflows = await store.workflows();
      const triggers = await store.triggers({});
      const holds = await store.holds();
      const ofOne = (id: string) => triggers.filter(({ workflowId }) => workflowId === id);
      return { status: 200, body: workflows.map((one) => toWorkflowWire(one, ofOne(one.id), holds)) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/workflows/:name',
    access: lookers,
    summary: 'Gives one workflow by its name or id.',
    tag,
    params: namePath,
    answers: { 200: workflowShape },
    handle: async ({ params, caller }, { store }) => {
      const workflow = await namedWorkflow(looked(store, caller), params.name);
      const triggers = await store.triggers({ workflowId: workflow.id });
      return { status: 200, body: toWorkflowWire(workflow, triggers, await store.holds()) };
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/workflows/:name',
    access: admins,
    summary: 'Removes a workflow and its triggers; what they did stays on record.',
    tag,
    params: namePath,
    answers: { 204: null },
    handle: async ({ params, caller }, parts) => {
      await deleteWorkflow(parts, { caller, name: params.name });
      return { status: 204 };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/workflows/:name/versions',
    access: lookers,
    summary: 'Lists the versions of a workflow, newest first.',
    tag,
    params: namePath,
    answers: { 200: z.array(workflowVersionShape) },
    handle: async ({ params, caller }, { store }) => {
      const workflow = await namedWorkflow(looked(store, caller), params.name);
      return { status: 200, body: (await store.workflowVersions(workflow.id)).map(toVersionWire) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/workflows/:name/occurrences',
    access: lookers,
    summary: 'Lists what became of every time that a workflow fell due, newest first.',
    tag,
    params: namePath,
    query: pageQuery.extend({
      trigger: z.string().max(200).optional(),
      decision: z.enum(['run', 'skipped']).optional(),
      /** only runs whose tasks failed for good */
      dead: z.stringbool().optional(),
    }),
    answers: { 200: z.array(occurrenceShape) },
    handle: async ({ params, query, caller }, { store }) => {
      const workflow = await namedWorkflow(looked(store, caller), params.name);
      const all = await store.triggers({ workflowId: workflow.id });
      const one = all.find(({ id, name }) => id === query.trigger || name === query.trigger);
      const filter = {
        workflowId: workflow.id,
        ...(query.trigger === undefined ? {} : { triggerId: one?.id ?? query.trigger }),
        ...(query.decision === undefined ? {} : { decision: query.decision }),
        ...(query.dead === undefined ? {} : { isDead: query.dead }),
      };
      const found = await store.occurrences(filter, readPage(query) ?? defaultPage);
      return { status: 200, body: found.map((each) => toOccurrenceWire(each, workflow.name)) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/workflows/:name/fire',
    access: admins,
    summary:
      'Fires a workflow by hand; with an Idempotency-Key header the same key fires once. A trigger that wants a ' +
      'confirmation answers 202 with a token for a second call.',
    tag,
    params: namePath,
    body: fireBody,
    answers: { 200: firedShape, 201: firedShape, 202: firedShape },
    handle: async ({ params, body, caller, headers }, parts) =>
      answerFire(parts, { workflow: params.name, body, caller, headers }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/workflows/:name/replay',
    access: admins,
    summary:
      'Fires an event that a workflow has kept once more; with an Idempotency-Key header the same key fires once.',
    tag,
    params: namePath,
    body: replayBody,
    answers: { 200: occurrenceShape, 201: occurrenceShape },
    handle: async ({ params, body, caller, headers }, parts) => {
      const key = readIdempotencyKey(headers);
      const fired = await replayEvent(parts, {
        ...{ caller, workflow: params.name, event: body.event, isForced: body.force ?? false },
        ...(key === undefined ? {} : { key }),
      });
      return { status: fired.isNew ? 201 : 200, body: toOccurrenceWire(fired.occurrence, params.name) };
    },
  }),
  hold('pause', 'Holds a trigger: what falls due meanwhile is not run.'),
  hold('resume', 'Lets a trigger go on; with `catchUp` what it let pass is made good as its policy says.'),
];

function hold(verb: 'pause' | 'resume', summary: string): Route {
  return route({
    method: 'POST',
    path: `/api/v1/workflows/:name/${verb}`,
    access: admins,
    summary,
    tag,
    params: namePath,
    body: holdBody,
    answers: { 200: triggerShape },
    handle: async ({ params, body, caller }, parts) => {
      const ref = { caller, workflow: params.name, trigger: body.trigger };
      const { trigger, workflow } =
        verb === 'pause'
          ? await pauseTrigger(parts, { ...ref, reason: body.reason })
          : await resumeTrigger(parts, { ...ref, catchUp: body.catchUp ?? false });
      return { status: 200, body: toTriggerWire(trigger, workflow, await parts.store.holds()) };
    },
  });
}

/** Workflows are of the whole server: who is bound to a session sees none. */
function looked(store: Store, caller: Caller): Store {
  requireUnbound(caller, 'workflows');
  return store;
}
