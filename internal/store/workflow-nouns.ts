/** How workflows and what fires them rest in their tables. */

import type { Hold } from '../domain/hold.ts';
import type { Report } from '../domain/report.ts';
import type { Occurrence, Trigger, TriggerEvent, Workflow } from '../domain/workflow.ts';
import { rowMap } from './row.ts';
import type { Confirmation, WorkflowVersion } from './workflow-store.ts';

/** @see Workflow */
export const workflowRow = rowMap<Workflow>()({
  id: 'plain',
  name: 'plain',
  version: 'plain',
  definition: 'json',
  owner: 'plain',
  enabled: 'flag',
  createdAt: 'plain',
  updatedAt: 'plain',
});

/** @see WorkflowVersion */
export const workflowVersionRow = rowMap<WorkflowVersion>()({
  workflowId: 'plain',
  version: 'plain',
  definition: 'json',
  actor: 'plain',
  at: 'plain',
});

/** @see Trigger */
export const triggerRow = rowMap<Trigger>()({
  id: 'plain',
  workflowId: 'plain',
  name: 'plain',
  type: 'plain',
  definition: 'json',
  enabled: 'flag',
  pausedAt: 'plain',
  cursor: 'plain',
  nextAt: 'plain',
  zoneData: 'plain',
  createdAt: 'plain',
  updatedAt: 'plain',
});

/** @see Occurrence */
export const occurrenceRow = rowMap<Occurrence>()({
  id: 'plain',
  triggerId: 'plain',
  key: 'plain',
  workflowId: 'plain',
  workflowVersion: 'plain',
  source: 'plain',
  nominalAt: 'plain',
  effectiveAt: 'plain',
  decidedAt: 'plain',
  decision: 'plain',
  reason: 'plain',
  taskId: 'plain',
  eventId: 'plain',
  actor: 'plain',
  details: 'json',
});

/** @see TriggerEvent */
export const triggerEventRow = rowMap<TriggerEvent>()({
  id: 'plain',
  triggerId: 'plain',
  kind: 'plain',
  at: 'plain',
  data: 'json',
});

/** @see Confirmation */
export const confirmationRow = rowMap<Confirmation>()({
  hash: 'plain',
  triggerId: 'plain',
  actor: 'plain',
  fingerprint: 'plain',
  expiresAt: 'plain',
  usedAt: 'plain',
});

/** @see Report */
export const reportRow = rowMap<Report>()({
  taskId: 'plain',
  target: 'json',
  lane: 'plain',
  wish: 'json',
  version: 'plain',
  tries: 'plain',
  dueAt: 'plain',
  takenUntil: 'plain',
  error: 'plain',
  createdAt: 'plain',
  wishedAt: 'plain',
});

/** @see Hold */
export const holdRow = rowMap<Hold>()({
  scope: 'plain',
  name: 'plain',
  at: 'plain',
  actor: 'plain',
  reason: 'plain',
});
