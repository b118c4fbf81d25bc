/** Workflows as deployments: put into service, taken out of it, without losing what they are and what they did. */

import { workflowError } from '../trigger/read-workflow.ts';
import { writeWorkflow } from '../trigger/write-workflow.ts';
import { type Applied, applyWorkflow, namedWorkflow } from './apply-workflow.ts';
import type { Caller, SessionParts } from './parts.ts';

/** A wish about one deployment. */
export interface DeploymentWish {
  readonly caller: Caller;
  /** name of the workflow, or its id when it is there */
  readonly workflow: string;
  /** also when it belongs to another owner than the API */
  readonly takeOver?: boolean;
}

/**
 * Deploys a workflow: makes or changes it, or, without a definition, puts the one that is there into service again. The same
 * again changes nothing.
 *
 * @param wish.value  as people write it; its name may be left out; null = the definition that it has
 * @param wish.mustExist  whether one that is not there is refused
 * @throws as applyWorkflow; {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND
 */
export async function deployWorkflow(
  parts: SessionParts,
  wish: DeploymentWish & {
    readonly value: Readonly<Record<string, unknown>> | null;
    readonly mustExist: boolean;
  },
): Promise<Applied> {
  const { store } = parts;
  const known = (await store.workflowByName(wish.workflow)) ?? (await store.workflow(wish.workflow));
  if (known === null && (wish.mustExist || wish.value === null)) await namedWorkflow(store, wish.workflow);
  const name = known?.name ?? wish.workflow;
  if (wish.value === null) return switched(parts, wish, true);
  const value = { name, enabled: true, ...wish.value };
  if (value.name !== name)
    throw workflowError([
      { path: ['name'], message: `expected ${name}, as in the address, or nothing; got ${value.name}` },
    ]);
  const { caller, takeOver = false } = wish;
  return applyWorkflow(parts, { caller, owner: 'api', value, takeOver });
}

/**
 * Takes a workflow out of service: its triggers do not fire. What it is, and what it did, stays. Twice is once.
 * @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND; {ConflictError} KERUTA_ERR_WORKFLOW_OWNED
 */
export function undeployWorkflow(parts: SessionParts, wish: DeploymentWish): Promise<Applied> {
  return switched(parts, wish, false);
}

async function switched(parts: SessionParts, wish: DeploymentWish, isEnabled: boolean): Promise<Applied> {
  const { definition } = await namedWorkflow(parts.store, wish.workflow);
  const { caller, takeOver = false } = wish;
  return applyWorkflow(parts, {
    caller,
    owner: 'api',
    value: writeWorkflow(definition, isEnabled),
    takeOver,
  });
}
