import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';

/** What may be asked about values kept under a name. */
export function metaReads(db: Db) {
  return {
    meta: async (name) => {
      const row = await db.selectFrom('meta').select('value').where('name', '=', name).executeTakeFirst();
      return row?.value ?? null;
    },
  } satisfies Pick<Reads, 'meta'>;
}

/** What may be written about them. */
export function metaWrites(db: Db) {
  return {
    putMeta: async (name, value, { taskId = null, forgetAt = null } = {}) => {
      await db
        .insertInto('meta')
        .values({ name, value, task_id: taskId, forget_at: forgetAt })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
        .execute();
    },
  } satisfies Pick<Transaction, 'putMeta'>;
}
