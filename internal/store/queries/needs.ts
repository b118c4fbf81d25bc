import { taskRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';

/** What may be asked about tasks that wait for others. */
export function needReads(db: Db) {
  return {
    needs: async (taskId) => {
      const rows = db.selectFrom('task_needs').select(['needed_id', 'state']).where('task_id', '=', taskId);
      return (await rows.orderBy('needed_id').execute()).map(({ needed_id: id, state }) => ({ id, state }));
    },
    tasksThatNeed: async (id) => {
      const own = db.selectFrom('task_needs').select('task_id').where('needed_id', '=', id);
      const rows = await db
        .selectFrom('tasks')
        .selectAll()
        .where('id', 'in', own)
        .orderBy('session_id')
        .orderBy('id')
        .execute();
      return rows.map(taskRow.decode);
    },
  } satisfies Partial<Reads>;
}

/** What may be written about them. */
export function needWrites(db: Db) {
  return {
    insertNeeds: async (task_id, needs) => {
      if (needs.length === 0) return;
      const rows = needs.map(({ id: needed_id, state }) => ({ needed_id, task_id, state }));
      await db.insertInto('task_needs').values(rows).execute();
    },
    settleNeeds: async (neededId, state) => {
      await db.updateTable('task_needs').set({ state }).where('needed_id', '=', neededId).execute();
    },
  } satisfies Partial<Transaction>;
}
