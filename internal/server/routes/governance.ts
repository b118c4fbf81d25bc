/** Policies, approvals, breakers, and how much goes to an agent's action. */
import { z } from 'zod';
import {
  approvalShape,
  approvedShape,
  breakerResetShape,
  comparisonShape,
  migratedShape,
  migrationBody,
  policyBody,
  policyShape,
} from '../../api/governance-shapes.ts';
import type { Approval } from '../../domain/governance.ts';
import { approve, deny, listApprovals } from '../../session/approve.ts';
import { requireUnbound } from '../../session/authorize.ts';
import { toApprovalWire, toComparisonWire, toPolicyWire } from '../../session/governance-wire.ts';
import { compareWorkflow, migrateWorkflow } from '../../session/migrate-workflow.ts';
import type { SessionParts } from '../../session/parts.ts';
import { resetBreaker } from '../../session/reset-breaker.ts';
import { setPolicy, showPolicy } from '../../session/set-policy.ts';
import { admins, lookers, operators, type Route, route, sessionReaders } from '../route.ts';
import { idPath, namePath } from './path.ts';

const tag = 'governance';
async function told(parts: SessionParts, approval: Approval) {
  return toApprovalWire(approval, (await parts.store.workflow(approval.workflowId))?.name ?? '');
}

/** Routes of policies. */
const policyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/policy',
    access: lookers,
    summary: 'Tells the policy over everything.',
    tag,
    answers: { 200: policyShape },
    handle: async ({ caller }, parts) => {
      requireUnbound(caller, 'the policy over everything');
      return { status: 200, body: toPolicyWire(await showPolicy(parts, { caller })) };
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/policy',
    access: admins,
    summary: 'Sets the policy over everything; an empty one removes it.',
    tag,
    body: policyBody,
    answers: { 200: policyShape },
    handle: async ({ caller, body }, parts) => ({
      status: 200,
      body: toPolicyWire(await setPolicy(parts, { caller, value: body })),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/:id/policy',
    access: sessionReaders,
    summary: 'Tells the policy of a session.',
    tag,
    params: idPath,
    answers: { 200: policyShape },
    handle: async ({ caller, params }, parts) => ({
      status: 200,
      body: toPolicyWire(await showPolicy(parts, { caller, sessionId: params.id })),
    }),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/sessions/:id/policy',
    access: admins,
    summary: 'Sets the policy of a session; an empty one removes it.',
    tag,
    params: idPath,
    body: policyBody,
    answers: { 200: policyShape },
    handle: async ({ caller, params, body }, parts) => ({
      status: 200,
      body: toPolicyWire(await setPolicy(parts, { caller, sessionId: params.id, value: body })),
    }),
  }),
];

/** Routes of runs that wait for a yes. */
const approvalRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/approvals',
    access: sessionReaders,
    summary:
      'Lists runs that wait for somebody to say yes, newest first; with all=true also those that were decided.',
    tag,
    query: z.object({ all: z.enum(['true', 'false']).optional() }),
    answers: { 200: z.array(approvalShape) },
    handle: async ({ caller, query }, parts) => {
      const found = await listApprovals(parts, { caller, isAll: query.all === 'true' });
      return { status: 200, body: await Promise.all(found.map((one) => told(parts, one))) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/approvals/:id/approve',
    access: operators,
    summary: 'Says yes to a run, with a token of the role that is asked; the run starts.',
    tag,
    params: idPath,
    answers: { 200: approvedShape },
    handle: async ({ caller, params }, parts) => {
      const { approval, fired, next } = await approve(parts, { caller, id: params.id });
      const body = {
        approval: await told(parts, approval),
        taskId: fired.task?.id ?? null,
        next: next === null ? null : await told(parts, next),
      };
      return { status: 200, body };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/approvals/:id/deny',
    access: operators,
    summary: 'Says no to a run; it stays on record as not run.',
    tag,
    params: idPath,
    answers: { 200: approvalShape },
    handle: async ({ caller, params }, parts) => ({
      status: 200,
      body: await told(parts, await deny(parts, { caller, id: params.id })),
    }),
  }),
];

/** All of them. */
export const governanceRoutes: readonly Route[] = [
  ...policyRoutes,
  ...approvalRoutes,
  route({
    method: 'POST',
    path: '/api/v1/workflows/:name/breaker/reset',
    access: admins,
    summary: 'Closes the breaker of a workflow, with an empty window.',
    tag,
    params: namePath,
    answers: { 200: breakerResetShape },
    handle: async ({ caller, params }, parts) => {
      const { workflow, was } = await resetBreaker(parts, { caller, workflow: params.name });
      const body = { workflow: workflow.name, was: was?.state ?? 'closed', results: was?.results ?? '' };
      return { status: 200, body };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/workflows/:name/compare',
    access: lookers,
    summary: 'Sets the runs of the agent and of the classic script side by side.',
    tag,
    params: namePath,
    query: z.object({ since: z.iso.datetime({ offset: true }).optional() }),
    answers: { 200: comparisonShape },
    handle: async ({ caller, params, query }, parts) => {
      requireUnbound(caller, 'workflows');
      const since = query.since === undefined ? undefined : Date.parse(query.since);
      const compared = await compareWorkflow(parts, { workflow: params.name, since });
      return { status: 200, body: toComparisonWire(compared) };
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/workflows/:name/migration',
    access: admins,
    summary: 'Sets which part of the times of a workflow goes to the agent: a new version.',
    tag,
    params: namePath,
    body: migrationBody,
    answers: { 200: migratedShape },
    handle: async ({ caller, params, body }, parts) => {
      const { weight } = body;
      const { workflow, before } = await migrateWorkflow(parts, { caller, workflow: params.name, weight });
      const { name, version } = workflow;
      return { status: 200, body: { workflow: name, version, before, weight } };
    },
  }),
];
