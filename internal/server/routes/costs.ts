/** What tasks cost. */
import { costBody, costsShape } from '../../api/governance-shapes.ts';
import { addCost, costsOf } from '../../session/add-cost.ts';
import { toCostsWire, toModelCostsWire } from '../../session/governance-wire.ts';
import { type Route, readers, route, speakers } from '../route.ts';
import { idPath } from './path.ts';

const tag = 'governance';

/** Routes of `/api/v1/tasks/:id/costs`. */
export const costRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/tasks/:id/costs',
    access: speakers,
    summary: 'Adds what a task paid for, and tells what it cost in all. The same key again is the same cost.',
    tag,
    params: idPath,
    body: costBody,
    answers: { 201: costsShape },
    handle: async ({ caller, params, body }, parts) => {
      const { amount: micro, key, tokensIn = null, tokensOut = null, model = '' } = body;
      const cost = { micro, key, tokensIn, tokensOut, model };
      return { status: 201, body: toCostsWire(await addCost(parts, { caller, taskId: params.id }, cost)) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/tasks/:id/costs',
    access: readers,
    summary: 'Tells what a task cost so far, in all and by model.',
    tag,
    params: idPath,
    answers: { 200: costsShape },
    handle: async ({ caller, params }, parts) => {
      const { sum, costs } = await costsOf(parts, { caller, taskId: params.id });
      return { status: 200, body: toModelCostsWire(sum, costs) };
    },
  }),
];
