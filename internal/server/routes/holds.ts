/** What is held: everything, a session, a workflow; looked at, held, let go. */
import { z } from 'zod';
import { heldShape, holdManyBody, holdShape, releaseManyBody } from '../../api/workflow-shapes.ts';
import { requireUnbound } from '../../session/authorize.ts';
import { holdMany, releaseMany } from '../../session/holds.ts';
import { nameOfHold, toHeldWire, toHoldWire } from '../../session/workflow-wire.ts';
import type { Reads } from '../../store/store.ts';
import { admins, type Route, route } from '../route.ts';

const tag = 'workflows';

/** Routes of `/api/v1/holds`. */
export const holdRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/holds',
    access: ['admin', 'read-only'],
    summary: 'Lists what is held, by whom and why, the oldest first.',
    tag,
    answers: { 200: z.array(holdShape) },
    handle: async ({ caller }, { store }) => {
      requireUnbound(caller, 'workflows');
      return { status: 200, body: await holdsOf(store) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/holds',
    access: admins,
    summary:
      'Holds everything, a session or a workflow: what falls due meanwhile is not run. Held twice is held once.',
    tag,
    body: holdManyBody,
    answers: { 200: heldShape },
    handle: async ({ body, caller }, parts) => ({
      status: 200,
      body: toHeldWire(await holdMany(parts, { ...body, caller })),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/holds/release',
    access: admins,
    summary: 'Lets go what is held; triggers that are held by themselves, or by something wider, stay held.',
    tag,
    body: releaseManyBody,
    answers: { 200: heldShape },
    handle: async ({ body, caller }, parts) => {
      const { catchUp = false, ...what } = body;
      return { status: 200, body: toHeldWire(await releaseMany(parts, { ...what, caller, catchUp })) };
    },
  }),
];

async function holdsOf(store: Reads) {
  const triggers = await store.triggers({});
  const workflows = await store.workflows();
  return (await store.holds()).map((hold) => {
    const trigger = triggers.find(({ id }) => hold.scope === 'trigger' && id === hold.name);
    const workflow = workflows.find(({ id }) => id === (trigger?.workflowId ?? hold.name));
    const isGone = (hold.scope === 'trigger' || hold.scope === 'workflow') && workflow === undefined;
    const named = { trigger: { name: trigger?.name ?? '' }, workflow: { name: workflow?.name ?? '' } };
    return toHoldWire(hold, isGone ? null : nameOfHold(hold, named));
  });
}
