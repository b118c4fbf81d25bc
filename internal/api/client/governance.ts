import { z } from 'zod';
import { apiPath } from '../base-url.ts';
import {
  type ApprovalWire,
  type ApprovedWire,
  approvalShape,
  approvedShape,
  breakerResetShape,
  type ComparisonWire,
  type CostsWire,
  comparisonShape,
  costsShape,
  type MigratedWire,
  migratedShape,
  type PolicyWire,
  policyShape,
} from '../governance-shapes.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Calls about policies and what they count; changes are for administrators. */
export interface GovernanceCalls {
  /** @param sessionId  null = the policy over everything */
  policy(sessionId: string | null, options?: CallOptions): Promise<PolicyWire>;
  /** @throws {InputError} KERUTA_ERR_POLICY_SHAPE with every fault */
  setPolicy(sessionId: string | null, policy: object, options?: CallOptions): Promise<PolicyWire>;
  approvals(filter: { readonly isAll: boolean }, options?: CallOptions): Promise<ApprovalWire[]>;
  /**
   * @throws {DeniedError} KERUTA_ERR_FORBIDDEN, KERUTA_ERR_POLICY; {NotFoundError} KERUTA_ERR_APPROVAL_EXPIRED
   * @throws {ConflictError} KERUTA_ERR_APPROVAL_DECIDED; {InputError} KERUTA_ERR_APPROVAL_CHANGED
   */
  approve(id: string, options?: CallOptions): Promise<ApprovedWire>;
  /** @throws as approve */
  deny(id: string, options?: CallOptions): Promise<ApprovalWire>;
  resetBreaker(
    workflow: string,
    options?: CallOptions,
  ): Promise<{ readonly workflow: string; readonly was: string; readonly results: string }>;
  /** @param since  RFC 3339; null = all */
  compare(workflow: string, since: string | null, options?: CallOptions): Promise<ComparisonWire>;
  migrate(workflow: string, weight: number, options?: CallOptions): Promise<MigratedWire>;
  costs(taskId: string, options?: CallOptions): Promise<CostsWire>;
}

/** @see GovernanceCalls */
export function governanceCalls(transport: Transport): GovernanceCalls {
  const policyPath = (sessionId: string | null) =>
    sessionId === null ? apiPath('policy') : apiPath('sessions', sessionId, 'policy');
  const ofSession = { notFound: 'KERUTA_ERR_SESSION_NOT_FOUND' } as const;
  const ofWorkflow = { notFound: 'KERUTA_ERR_WORKFLOW_NOT_FOUND' } as const;
  const ofApproval = { notFound: 'KERUTA_ERR_APPROVAL_NOT_FOUND' } as const;
  const decide = (id: string, verb: string) =>
    ({ method: 'POST', path: apiPath('approvals', id, verb), once: true, ...ofApproval }) as const;
  return {
    policy: (sessionId, options) =>
      transport.json({ method: 'GET', path: policyPath(sessionId), ...ofSession, ...options }, policyShape),
    setPolicy: (sessionId, json, options) =>
      transport.json(
        { method: 'PUT', path: policyPath(sessionId), json, ...ofSession, ...options },
        policyShape,
      ),
    approvals: ({ isAll }, options) =>
      transport.json(
        { method: 'GET', path: apiPath('approvals'), query: isAll ? { all: true } : {}, ...options },
        z.array(approvalShape),
      ),
    approve: (id, options) => transport.json({ ...decide(id, 'approve'), ...options }, approvedShape),
    deny: (id, options) => transport.json({ ...decide(id, 'deny'), ...options }, approvalShape),
    resetBreaker: (workflow, options) =>
      transport.json(
        {
          method: 'POST',
          path: apiPath('workflows', workflow, 'breaker', 'reset'),
          ...ofWorkflow,
          ...options,
        },
        breakerResetShape,
      ),
    compare: (workflow, since, options) => {
      const query = since === null ? {} : { since };
      const path = apiPath('workflows', workflow, 'compare');
      return transport.json({ method: 'GET', path, query, ...ofWorkflow, ...options }, comparisonShape);
    },
    migrate: (workflow, weight, options) =>
      transport.json(
        {
          method: 'PUT',
          path: apiPath('workflows', workflow, 'migration'),
          json: { weight },
          ...ofWorkflow,
          ...options,
        },
        migratedShape,
      ),
    costs: (taskId, options) =>
      transport.json(
        {
          method: 'GET',
          path: apiPath('tasks', taskId, 'costs'),
          notFound: 'KERUTA_ERR_TASK_NOT_FOUND',
          ...options,
        },
        costsShape,
      ),
  };
}
