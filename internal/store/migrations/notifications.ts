import type { Migration } from '../migrate.ts';

/** What people are told, on its way; and how often in a row something failed. */
export const notifications: Migration = {
  version: 6,
  name: 'notifications',
  statements: ({ text }) => [
    `CREATE TABLE notifications (id ${text} PRIMARY KEY, dedup_key ${text} NOT NULL UNIQUE, channel ${text} NOT NULL,
      event ${text} NOT NULL, message ${text} NOT NULL, state ${text} NOT NULL, created_at BIGINT NOT NULL, due_at BIGINT,
      tries BIGINT NOT NULL, taken_until BIGINT NOT NULL, error ${text}, settled_at BIGINT)`,
    // what was sent is not due any more, and is not in it
    'CREATE INDEX notifications_due ON notifications (channel, due_at, id) WHERE due_at IS NOT NULL',
    'CREATE INDEX notifications_newest ON notifications (state, created_at DESC, id DESC)',
    'CREATE INDEX notifications_age ON notifications (created_at)',

    `CREATE TABLE failure_streaks (subject ${text} PRIMARY KEY, failures BIGINT NOT NULL, since BIGINT NOT NULL)`,
  ],
};
