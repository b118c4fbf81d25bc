import type { Db } from '../tables.ts';
import { confirmationRow } from '../workflow-nouns.ts';
import type { WorkflowReads, WorkflowWrites } from '../workflow-store.ts';
import { put } from './put.ts';

/** What may be asked about leaves to fire by hand. */
export function confirmationReads(db: Db) {
  return {
    confirmation: async (hash) => {
      const all = db.selectFrom('trigger_confirmations').selectAll();
      const row = await all.where('hash', '=', hash).executeTakeFirst();
      return row ? confirmationRow.decode(row) : null;
    },
  } satisfies Pick<WorkflowReads, 'confirmation'>;
}

/** What may be written about them. */
export function confirmationWrites(db: Db) {
  return {
    putConfirmation: async (confirmation) => {
      await put(db, 'trigger_confirmations', { row: confirmationRow.encode(confirmation), key: 'hash' });
    },
    forgetConfirmations: async (before) => {
      await db.deleteFrom('trigger_confirmations').where('expires_at', '<', before).execute();
    },
  } satisfies Pick<WorkflowWrites, 'putConfirmation' | 'forgetConfirmations'>;
}
