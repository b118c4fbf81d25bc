import type { Migration } from '../migrate.ts';

/** Tasks that are no scripts, and tasks that wait for others. */
export const agentTasks: Migration = {
  version: 7,
  name: 'agent tasks',
  statements: ({ text }) => [
    `ALTER TABLE tasks ADD COLUMN kind ${text} NOT NULL DEFAULT 'script'`,
    `ALTER TABLE tasks ADD COLUMN context ${text}`,
    `ALTER TABLE tasks ADD COLUMN needs ${text} NOT NULL DEFAULT '[]'`,
    'ALTER TABLE tasks ADD COLUMN unmet_needs BIGINT NOT NULL DEFAULT 0',
    `ALTER TABLE tasks ADD COLUMN blocked_by ${text}`,
    // no foreign key on what is needed: it may be deleted, and what became of it still counts
    `CREATE TABLE task_needs (needed_id ${text} NOT NULL, task_id ${text} NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
      state ${text} NOT NULL, PRIMARY KEY (needed_id, task_id))`,
    'CREATE INDEX task_needs_task ON task_needs (task_id)',
  ],
};
