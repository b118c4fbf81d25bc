import { z } from 'zod';
import { apiPath } from '../base-url.ts';
import {
  type AskedWire,
  type BackfillBody,
  type BackfilledWire,
  backfillCancelledShape,
  backfilledShape,
  firedShape,
  type TriggerStatusWire,
  triggerStatusShape,
} from '../trigger-shapes.ts';
import {
  type FireBody,
  type OccurrenceWire,
  occurrenceShape,
  type WebhookTestBody,
  type WebhookTestedWire,
  webhookTestedShape,
} from '../workflow-shapes.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Calls about how triggers are, and what is done with them; changes are for administrators. All throw KERUTA_ERR_WORKFLOW_NOT_FOUND. */
export interface TriggerCalls {
  /** Of every trigger of a workflow. */
  status(workflow: string, options?: CallOptions): Promise<TriggerStatusWire[]>;
  /**
   * Fires by hand, or asks for it: a trigger that wants a confirmation gives a token for a second call.
   * @param key  the same again fires once
   * @throws {InputError} KERUTA_ERR_CONFIRMATION_MISMATCH; {ConflictError} KERUTA_ERR_CONFIRMATION_USED
   * @throws {NotFoundError} KERUTA_ERR_CONFIRMATION_EXPIRED
   */
  fire(
    workflow: string,
    body: FireBody,
    key: string,
    options?: CallOptions,
  ): Promise<OccurrenceWire | AskedWire>;
  /** Makes a new task of what fired one that failed for good. @throws {ConflictError} KERUTA_ERR_TRANSITION: it did not */
  redrive(workflow: string, task: string, options?: CallOptions): Promise<OccurrenceWire>;
  /**
   * Fires a kept event once more. @param event  its id, or that of a task that it made @param key  the same again fires once
   * @throws {NotFoundError} KERUTA_ERR_EVENT_NOT_FOUND
   */
  replay(
    workflow: string,
    body: { readonly event: string; readonly force: boolean },
    key: string,
    options?: CallOptions,
  ): Promise<OccurrenceWire>;
  /** Tries out a webhook with a signed delivery; without `run` nothing stays of it. */
  test(workflow: string, body: WebhookTestBody, options?: CallOptions): Promise<WebhookTestedWire>;
  /** The same range again runs nothing, but with `onlyMissing: false`. */
  backfill(workflow: string, body: BackfillBody, options?: CallOptions): Promise<BackfilledWire>;
  /** @returns ids of the tasks that were cancelled */
  cancelBackfill(
    workflow: string,
    which: { readonly trigger?: string | undefined; readonly id?: string | undefined },
    options?: CallOptions,
  ): Promise<readonly string[]>;
}

const notFound = 'KERUTA_ERR_WORKFLOW_NOT_FOUND' as const;

/** @see TriggerCalls */
export function triggerCalls(transport: Transport): TriggerCalls {
  const at = (...rest: readonly string[]) => apiPath('workflows', ...rest);
  const post = (workflow: string, ...rest: readonly string[]) =>
    ({ method: 'POST', path: at(workflow, ...rest), notFound }) as const;
  return {
    status: (workflow, options) =>
      transport.json(
        { method: 'GET', path: at(workflow, 'status'), notFound, ...options },
        z.array(triggerStatusShape),
      ),
    fire: (workflow, json, key, options) =>
      transport.json(
        { ...post(workflow, 'fire'), headers: { 'idempotency-key': key }, json, ...options },
        firedShape,
      ),
    redrive: (workflow, task, options) =>
      transport.json(
        { ...post(workflow, 'redrive'), json: { task }, conflict: 'KERUTA_ERR_TRANSITION', ...options },
        occurrenceShape,
      ),
    replay: (workflow, json, key, options) =>
      transport.json(
        { ...post(workflow, 'replay'), headers: { 'idempotency-key': key }, json, ...options },
        occurrenceShape,
      ),
    test: (workflow, json, options) =>
      transport.json(
        { ...post(workflow, 'test'), json, ...(json.run ? { once: true } : {}), ...options },
        webhookTestedShape,
      ),
    backfill: (workflow, json, options) => {
      // one that runs everything again would do so twice
      const once = json.onlyMissing === false && json.dryRun !== true ? { once: true } : {};
      return transport.json({ ...post(workflow, 'backfill'), json, ...once, ...options }, backfilledShape);
    },
    cancelBackfill: async (workflow, json, options) => {
      const call = { ...post(workflow, 'backfill', 'cancel'), json, ...options };
      return (await transport.json(call, backfillCancelledShape)).cancelled;
    },
  };
}
