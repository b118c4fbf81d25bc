import type { Migration } from '../migrate.ts';

/** From where somebody acted; rows from before have none. And what is in the audit stays there as it is. */
export const addresses: Migration = {
  version: 9,
  name: 'addresses',
  statements: ({ text, refuse }) => [
    `ALTER TABLE audit ADD COLUMN address ${text}`,
    ...(['UPDATE', 'DELETE'] as const).flatMap((what) =>
      refuse({
        name: what === 'UPDATE' ? 'audit_is_not_changed' : 'audit_is_not_deleted',
        what,
        table: 'audit',
        when: '1 = 1',
        message: 'the audit is append-only',
      }),
    ),
  ],
};
