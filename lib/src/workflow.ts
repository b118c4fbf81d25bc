import { readWorkflow } from '../../internal/trigger/read-workflow.ts';
import { registry } from './registry.ts';
import type { WrittenTrigger } from './types.ts';

/** A workflow as it is written in files, with the fields of `keruta workflow schema`. */
export type WrittenWorkflow = {
  readonly name: string;
  /** a script, or a task template */
  readonly run: string | ({ readonly script: string } & Readonly<Record<string, unknown>>);
  readonly triggers?: readonly WrittenTrigger[];
} & Readonly<Record<string, unknown>>;

/**
 * Says that a workflow is part of this file: `keruta deploy` makes it beside those of the functions. It is not run by
 * `keruta dev`: scripts belong to an agent.
 *
 * @returns what it was given
 * @throws {InputError} KERUTA_ERR_WORKFLOW with every fault
 */
export function defineWorkflow<const W extends WrittenWorkflow>(workflow: W): W {
  readWorkflow(workflow, { zone: 'UTC' });
  registry().workflows.push(workflow);
  return workflow;
}
