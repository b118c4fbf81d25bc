import type { Migration } from '../migrate.ts';

/** How long git may take for the checkouts of a session; those of before leave it to the agent. */
export const gitTimeout: Migration = {
  version: 10,
  name: 'git-timeout',
  statements: () => ['ALTER TABLE sessions ADD COLUMN git_timeout_ms BIGINT'],
};
