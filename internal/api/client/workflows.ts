import { z } from 'zod';
import { apiPath } from '../base-url.ts';
import {
  type AppliedWire,
  appliedShape,
  type FireBody,
  type HeldWire,
  heldShape,
  type OccurrenceWire,
  occurrenceShape,
  type TriggerWire,
  triggerShape,
  type WorkflowVersionWire,
  type WorkflowWire,
  workflowShape,
  workflowVersionShape,
} from '../workflow-shapes.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Calls about workflows and their triggers; changes are for administrators. */
export interface WorkflowCalls {
  /**
   * Makes or changes a workflow.
   * @throws {InputError} KERUTA_ERR_WORKFLOW with `details.faults`; {ConflictError} KERUTA_ERR_WORKFLOW_OWNED
   */
  apply(
    value: unknown,
    how: { readonly owner: string; readonly dryRun?: boolean; readonly takeOver?: boolean },
    options?: CallOptions,
  ): Promise<AppliedWire>;
  /** By name. */
  list(options?: CallOptions): Promise<WorkflowWire[]>;
  /** @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND */
  get(name: string, options?: CallOptions): Promise<WorkflowWire>;
  /** @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND */
  remove(name: string, options?: CallOptions): Promise<void>;
  /** Newest first. */
  versions(name: string, options?: CallOptions): Promise<WorkflowVersionWire[]>;
  /** Newest first. */
  occurrences(
    name: string,
    filter: {
      readonly trigger?: string;
      readonly decision?: 'run' | 'skipped';
      /** only runs whose tasks failed for good */
      readonly dead?: boolean;
      readonly limit?: number;
    },
    options?: CallOptions,
  ): Promise<OccurrenceWire[]>;
  /** @param key  the same again fires once */
  fire(name: string, body: FireBody, key: string, options?: CallOptions): Promise<OccurrenceWire>;
  pause(
    name: string,
    how: { readonly trigger?: string | undefined; readonly reason?: string | undefined },
    options?: CallOptions,
  ): Promise<TriggerWire>;
  /** Holds everything, a session or a workflow. @param what.name  left out for everything */
  holdMany(
    what: { readonly scope: 'all' | 'session' | 'workflow'; readonly name?: string; readonly reason: string },
    options?: CallOptions,
  ): Promise<HeldWire>;
  /** Lets it go. */
  releaseMany(
    what: {
      readonly scope: 'all' | 'session' | 'workflow';
      readonly name?: string;
      readonly catchUp: boolean;
    },
    options?: CallOptions,
  ): Promise<HeldWire>;
  resume(
    name: string,
    how: { readonly trigger?: string | undefined; readonly catchUp: boolean },
    options?: CallOptions,
  ): Promise<TriggerWire>;
}

const notFound = 'KERUTA_ERR_WORKFLOW_NOT_FOUND' as const;

/** @see WorkflowCalls */
export function workflowCalls(transport: Transport): WorkflowCalls {
  const at = (...rest: readonly string[]) => apiPath('workflows', ...rest);
  return {
    apply: (json, how, options) => {
      const query = {
        owner: how.owner,
        dryRun: String(how.dryRun ?? false),
        takeOver: String(how.takeOver ?? false),
      };
      return transport.json({ method: 'POST', path: at(), query, json, ...options }, appliedShape);
    },
    list: (options) => transport.json({ method: 'GET', path: at(), ...options }, z.array(workflowShape)),
    get: (name, options) =>
      transport.json({ method: 'GET', path: at(name), notFound, ...options }, workflowShape),
    remove: async (name, options) => {
      await transport.done({ method: 'DELETE', path: at(name), notFound, ...options });
    },
    versions: (name, options) =>
      transport.json(
        { method: 'GET', path: at(name, 'versions'), notFound, ...options },
        z.array(workflowVersionShape),
      ),
    occurrences: (name, filter, options) => {
      const query = Object.fromEntries(
        Object.entries(filter).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
      );
      const path = at(name, 'occurrences');
      return transport.json({ method: 'GET', path, query, notFound, ...options }, z.array(occurrenceShape));
    },
    fire: (name, json, key, options) => {
      const headers = { 'idempotency-key': key };
      return transport.json(
        { method: 'POST', path: at(name, 'fire'), headers, json, notFound, ...options },
        occurrenceShape,
      );
    },
    pause: (name, json, options) =>
      transport.json({ method: 'POST', path: at(name, 'pause'), json, notFound, ...options }, triggerShape),
    resume: (name, json, options) =>
      transport.json({ method: 'POST', path: at(name, 'resume'), json, notFound, ...options }, triggerShape),
    holdMany: (json, options) =>
      transport.json({ method: 'POST', path: apiPath('holds'), json, notFound, ...options }, heldShape),
    releaseMany: (json, options) => {
      const path = apiPath('holds', 'release');
      return transport.json({ method: 'POST', path, json, notFound, ...options }, heldShape);
    },
  };
}
