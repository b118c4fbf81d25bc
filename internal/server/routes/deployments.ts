/** Workflows in the words of the workflow scheduler: deployed, updated, undeployed. Thin over the verbs of workflows. */
import { z } from 'zod';
import { deployedShape, deploymentShape, deploymentStatusShape } from '../../api/deployment-shapes.ts';
import { namedWorkflow } from '../../session/apply-workflow.ts';
import { requireUnbound } from '../../session/authorize.ts';
import { deployWorkflow, undeployWorkflow } from '../../session/deployment.ts';
import { toDeployedWire, toDeploymentWire } from '../../session/trigger-wire.ts';
import { admins, lookers, type Route, route } from '../route.ts';
import { triggerStates } from './trigger-state.ts';

const tag = 'deployments';
const base = '/api/v1/deployment/workflows';
const idPath = z.object({ id: z.string().min(1).max(200) });
const query = z.object({ takeOver: z.stringbool().optional() });
/** A definition holds scripts, up to 1 MiB each. */
const maxBodyBytes = 8 * 1024 * 1024;

/** Routes of `/api/v1/deployment`. */
export const deploymentRoutes: readonly Route[] = [
  deploy(
    'POST',
    'Deploys a workflow; with an empty body the one that is there. The same again changes nothing.',
  ),
  deploy('PUT', 'Changes a deployment; there is one already.'),
  route({
    method: 'DELETE',
    path: `${base}/:id/undeploy`,
    access: admins,
    summary: 'Takes a workflow out of service: its triggers do not fire; what it is and did stays.',
    tag,
    params: idPath,
    query,
    answers: { 200: deployedShape },
    handle: async ({ params, query: { takeOver = false }, caller }, parts) => {
      const applied = await undeployWorkflow(parts, { caller, workflow: params.id, takeOver });
      return { status: 200, body: toDeployedWire(applied) };
    },
  }),
  route({
    method: 'GET',
    path: base,
    access: lookers,
    summary: 'Lists all deployments by name.',
    tag,
    answers: { 200: z.array(deploymentShape) },
    handle: async ({ caller }, { store }) => {
      requireUnbound(caller, 'workflows');
      const triggers = await store.triggers({});
      const ofOne = (id: string) => triggers.filter(({ workflowId }) => workflowId === id);
      const workflows = await store.workflows();
      return { status: 200, body: workflows.map((one) => toDeploymentWire(one, ofOne(one.id))) };
    },
  }),
  route({
    method: 'GET',
    path: `${base}/:id/status`,
    access: lookers,
    summary: 'Tells how a deployment is, and each of its triggers.',
    tag,
    params: idPath,
    answers: { 200: deploymentStatusShape },
    handle: async ({ params, caller }, parts) => {
      requireUnbound(caller, 'workflows');
      const workflow = await namedWorkflow(parts.store, params.id);
      const triggers = await parts.store.triggers({ workflowId: workflow.id });
      const state = await triggerStates(parts, workflow.name);
      return { status: 200, body: { ...toDeploymentWire(workflow, triggers), state } };
    },
  }),
];

function deploy(method: 'POST' | 'PUT', summary: string): Route {
  return route({
    method,
    path: `${base}/:id/deploy`,
    access: admins,
    summary,
    tag,
    params: idPath,
    query,
    body: z.looseObject({}).optional(),
    maxBodyBytes,
    answers: { 200: deployedShape, 201: deployedShape },
    handle: async ({ params, query: { takeOver = false }, body, caller }, parts) => {
      const value = body === undefined || Object.keys(body).length === 0 ? null : body;
      const wish = { caller, workflow: params.id, takeOver, value, mustExist: method === 'PUT' };
      const applied = await deployWorkflow(parts, wish);
      return { status: applied.change === 'created' ? 201 : 200, body: toDeployedWire(applied) };
    },
  });
}
