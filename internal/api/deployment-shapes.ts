/** Workflows as deployments, on the wire: the words of the workflow scheduler's API. */
import { z } from 'zod';
import { triggerStatusShape } from './trigger-shapes.ts';

const instant = z.iso.datetime({ offset: true });

/** A workflow that is deployed, or was. */
export const deploymentShape = z.object({
  workflowId: z.string(),
  name: z.string(),
  /** `undeployed`: its triggers do not fire */
  status: z.enum(['deployed', 'undeployed']),
  version: z.number(),
  owner: z.string(),
  triggers: z.array(z.string()),
  deployedAt: instant,
  updatedAt: instant,
});
/** @see deploymentShape */
export type DeploymentWire = z.output<typeof deploymentShape>;

/** What a deploy did. */
export const deployedShape = deploymentShape.extend({
  change: z.enum(['created', 'updated', 'unchanged']),
  warnings: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })),
});
/** @see deployedShape */
export type DeployedWire = z.output<typeof deployedShape>;

/** A deployment and how its triggers are. */
export const deploymentStatusShape = deploymentShape.extend({ state: z.array(triggerStatusShape) });
