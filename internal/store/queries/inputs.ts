import { inputRequestRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';
import { put } from './put.ts';

/** What may be asked about questions to people. */
export function inputReads(db: Db) {
  return {
    inputRequest: async (id) => {
      const row = await db.selectFrom('input_requests').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? inputRequestRow.decode(row) : null;
    },
    inputRequests: async (taskId) => {
      const rows = await db
        .selectFrom('input_requests')
        .selectAll()
        .where('task_id', '=', taskId)
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(inputRequestRow.decode);
    },
  } satisfies Pick<Reads, 'inputRequest' | 'inputRequests'>;
}

/** What may be written about them. */
export function inputWrites(db: Db) {
  return {
    putInputRequest: async (request) => {
      await put(db, 'input_requests', { row: inputRequestRow.encode(request), key: 'id' });
    },
  } satisfies Pick<Transaction, 'putInputRequest'>;
}
