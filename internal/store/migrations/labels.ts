import type { Migration } from '../migrate.ts';

/** What agents can do, and what tasks need of them. Tasks that were waiting before are for every agent. */
export const labels: Migration = {
  version: 8,
  name: 'labels',
  statements: ({ text }) => [
    `ALTER TABLE agents ADD COLUMN labels ${text} NOT NULL DEFAULT '[]'`,
    `ALTER TABLE tasks ADD COLUMN required_skill ${text}`,
  ],
};
