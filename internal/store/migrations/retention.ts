import type { Migration } from '../migrate.ts';

/** What is kept about a task goes with it, what is kept for a while has an end, and bytes that wait to be removed are on record. */
export const retention: Migration = {
  version: 11,
  name: 'retention',
  statements: ({ text }) => [
    `ALTER TABLE meta ADD COLUMN task_id ${text} REFERENCES tasks (id) ON DELETE CASCADE`,
    'ALTER TABLE meta ADD COLUMN forget_at BIGINT',
    'CREATE INDEX meta_task ON meta (task_id) WHERE task_id IS NOT NULL',
    'CREATE INDEX meta_forget ON meta (forget_at) WHERE forget_at IS NOT NULL',
    'CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL',
    `CREATE TABLE removals (task_id ${text} PRIMARY KEY, at BIGINT NOT NULL)`,
  ],
};
