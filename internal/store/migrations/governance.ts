import type { Migration } from '../migrate.ts';

/** What policies say, and what they count. */
export const governance: Migration = {
  version: 4,
  name: 'governance',
  statements: ({ text }) => [
    `ALTER TABLE tokens ADD COLUMN role ${text}`,

    `CREATE TABLE policies (place ${text} PRIMARY KEY, policy ${text} NOT NULL, actor ${text} NOT NULL,
      updated_at BIGINT NOT NULL)`,

    `CREATE TABLE limit_counters (key ${text} PRIMARY KEY, used BIGINT NOT NULL, updated_at BIGINT NOT NULL)`,
    'CREATE INDEX limit_counters_age ON limit_counters (updated_at)',

    `CREATE TABLE workflow_histories (workflow_id ${text} PRIMARY KEY, last_start_at BIGINT, last_success_at BIGINT,
      breaker ${text}, version BIGINT NOT NULL)`,

    `CREATE TABLE reservations (task_id ${text} PRIMARY KEY, workflow_id ${text} NOT NULL, held_micro BIGINT NOT NULL,
      spent_micro BIGINT NOT NULL, cap_micro BIGINT, windows ${text} NOT NULL, state ${text} NOT NULL,
      created_at BIGINT NOT NULL, warned_at BIGINT, exceeded_at BIGINT)`,
    'CREATE INDEX reservations_newest ON reservations (workflow_id, state, created_at DESC)',

    // no foreign key: what was paid stays on record when a task is gone
    `CREATE TABLE costs (task_id ${text} NOT NULL, attempt BIGINT NOT NULL, key ${text} NOT NULL, micro BIGINT NOT NULL,
      tokens_in BIGINT, tokens_out BIGINT, model ${text} NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (task_id, key))`,

    `CREATE TABLE approvals (id ${text} PRIMARY KEY, workflow_id ${text} NOT NULL, workflow_version BIGINT NOT NULL,
      trigger_id ${text} NOT NULL, key ${text} NOT NULL, session_id ${text} NOT NULL, role ${text} NOT NULL,
      approved ${text} NOT NULL, parameters ${text} NOT NULL, state ${text} NOT NULL, actor ${text} NOT NULL,
      created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, decided_by ${text}, decided_at BIGINT)`,
    'CREATE INDEX approvals_newest ON approvals (state, created_at DESC, id DESC)',
  ],
};
