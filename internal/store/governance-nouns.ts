/** How what governance remembers rests in its tables. */
import type {
  Approval,
  CostEntry,
  Reservation,
  StoredPolicy,
  WorkflowHistory,
} from '../domain/governance.ts';
import { rowMap } from './row.ts';

/** @see StoredPolicy */
export const policyRow = rowMap<StoredPolicy>()({
  place: 'plain',
  policy: 'json',
  actor: 'plain',
  updatedAt: 'plain',
});

/** @see WorkflowHistory */
export const workflowHistoryRow = rowMap<WorkflowHistory>()({
  workflowId: 'plain',
  lastStartAt: 'plain',
  lastSuccessAt: 'plain',
  breaker: 'json',
  version: 'plain',
});

/** @see Reservation */
export const reservationRow = rowMap<Reservation>()({
  taskId: 'plain',
  workflowId: 'plain',
  heldMicro: 'plain',
  spentMicro: 'plain',
  capMicro: 'plain',
  windows: 'json',
  state: 'plain',
  createdAt: 'plain',
  warnedAt: 'plain',
  exceededAt: 'plain',
});

/** @see CostEntry */
export const costRow = rowMap<CostEntry>()({
  taskId: 'plain',
  attempt: 'plain',
  key: 'plain',
  micro: 'plain',
  tokensIn: 'plain',
  tokensOut: 'plain',
  model: 'plain',
  at: 'plain',
});

/** @see Approval */
export const approvalRow = rowMap<Approval>()({
  id: 'plain',
  workflowId: 'plain',
  workflowVersion: 'plain',
  triggerId: 'plain',
  key: 'plain',
  sessionId: 'plain',
  role: 'plain',
  approved: 'json',
  parameters: 'json',
  state: 'plain',
  actor: 'plain',
  createdAt: 'plain',
  expiresAt: 'plain',
  decidedBy: 'plain',
  decidedAt: 'plain',
});
