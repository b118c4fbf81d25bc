import { tokenRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';
import { put } from './put.ts';

/** What may be asked about tokens. */
export function tokenReads(db: Db) {
  return {
    tokenByHash: async (hash) => {
      const row = await db.selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst();
      return row ? tokenRow.decode(row) : null;
    },
    tokens: async () => {
      const rows = await db
        .selectFrom('tokens')
        .selectAll()
        .where('scope', '!=', 'task')
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute();
      return rows.map(tokenRow.decode);
    },
  } satisfies Pick<Reads, 'tokenByHash' | 'tokens'>;
}

/** What may be written about tokens. */
export function tokenWrites(db: Db) {
  return {
    putToken: async (token) => {
      await put(db, 'tokens', { row: tokenRow.encode(token), key: 'id' });
    },
    // A token that ends earlier by itself is not given more time.
    expireTaskTokens: async (taskId, expiresAt, keep) => {
      let query = db
        .updateTable('tokens')
        .set({ expires_at: expiresAt })
        .where('task_id', '=', taskId)
        .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', expiresAt)]));
      if (keep !== undefined) query = query.where('id', '!=', keep);
      await query.execute();
    },
  } satisfies Pick<Transaction, 'putToken' | 'expireTaskTokens'>;
}
