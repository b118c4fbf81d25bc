import type { Migration } from '../migrate.ts';
import { unfinishedText } from '../unfinished.ts';

/** Workflows, their triggers, and what became of every time that one fell due. */
export const workflows: Migration = {
  version: 3,
  name: 'workflows',
  statements: ({ text }) => [
    `CREATE TABLE workflows (id ${text} PRIMARY KEY, name ${text} NOT NULL, version BIGINT NOT NULL,
      definition ${text} NOT NULL, owner ${text} NOT NULL, enabled INTEGER NOT NULL, created_at BIGINT NOT NULL,
      updated_at BIGINT NOT NULL, CONSTRAINT workflows_name UNIQUE (name))`,

    `CREATE TABLE workflow_versions (workflow_id ${text} NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
      version BIGINT NOT NULL, definition ${text} NOT NULL, actor ${text} NOT NULL, at BIGINT NOT NULL,
      PRIMARY KEY (workflow_id, version))`,

    `CREATE TABLE triggers (id ${text} PRIMARY KEY,
      workflow_id ${text} NOT NULL REFERENCES workflows (id) ON DELETE CASCADE, name ${text} NOT NULL,
      type ${text} NOT NULL, definition ${text} NOT NULL, enabled INTEGER NOT NULL, paused_at BIGINT, cursor BIGINT,
      next_at BIGINT, zone_data ${text} NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
      CONSTRAINT triggers_name UNIQUE (workflow_id, name))`,
    'CREATE INDEX triggers_due ON triggers (next_at)',
    'CREATE INDEX triggers_type ON triggers (type)',

    `ALTER TABLE tasks ADD COLUMN trigger_id ${text}`,
    'CREATE INDEX tasks_trigger ON tasks (trigger_id, status)',
    `ALTER TABLE tasks ADD COLUMN retry ${text}`,
    'ALTER TABLE tasks ADD COLUMN not_before BIGINT',
    'CREATE INDEX tasks_waiting ON tasks (session_id, status, not_before)',
    `ALTER TABLE tasks ADD COLUMN concurrency_group ${text}`,
    'ALTER TABLE tasks ADD COLUMN concurrency_limit BIGINT',
    'CREATE INDEX tasks_group ON tasks (concurrency_group, status)',

    // for figures: most tasks have ended, and are not in it
    `CREATE INDEX tasks_unfinished ON tasks (status, created_at) WHERE ${unfinishedText}`,

    // no foreign keys: what happened stays on record when a workflow is gone
    `CREATE TABLE occurrences (id ${text} PRIMARY KEY, trigger_id ${text} NOT NULL, key ${text} NOT NULL,
      workflow_id ${text} NOT NULL, workflow_version BIGINT NOT NULL, source ${text} NOT NULL, nominal_at BIGINT NOT NULL,
      effective_at BIGINT NOT NULL, decided_at BIGINT NOT NULL, decision ${text} NOT NULL, reason ${text} NOT NULL,
      task_id ${text}, event_id ${text}, actor ${text} NOT NULL, details ${text} NOT NULL,
      CONSTRAINT occurrences_key UNIQUE (trigger_id, key))`,
    'CREATE INDEX occurrences_newest ON occurrences (trigger_id, decided_at DESC, id DESC)',
    'CREATE INDEX occurrences_workflow ON occurrences (workflow_id, decided_at DESC, id DESC)',
    'CREATE INDEX occurrences_task ON occurrences (task_id)',

    `CREATE TABLE trigger_events (id ${text} PRIMARY KEY, trigger_id ${text} NOT NULL, kind ${text} NOT NULL,
      at BIGINT NOT NULL, data ${text} NOT NULL)`,
    'CREATE INDEX trigger_events_newest ON trigger_events (trigger_id, at DESC, id DESC)',

    `CREATE TABLE trigger_confirmations (hash ${text} PRIMARY KEY, trigger_id ${text} NOT NULL, actor ${text} NOT NULL,
      fingerprint ${text} NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT)`,
    'CREATE INDEX trigger_confirmations_expiry ON trigger_confirmations (expires_at)',

    // no foreign keys: a task that was deleted is told of all the same
    `CREATE TABLE reports (task_id ${text} PRIMARY KEY, target ${text} NOT NULL, lane ${text} NOT NULL,
      wish ${text} NOT NULL, version BIGINT NOT NULL, tries BIGINT NOT NULL, due_at BIGINT, taken_until BIGINT NOT NULL,
      error ${text}, created_at BIGINT NOT NULL, wished_at BIGINT NOT NULL)`,
    'CREATE INDEX reports_due ON reports (due_at)',
    'CREATE INDEX reports_lane ON reports (lane, created_at)',
    'CREATE INDEX reports_age ON reports (wished_at)',
  ],
};
