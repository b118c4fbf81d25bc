import { endStatuses } from '../../domain/task-status.ts';
import type { RetentionReads, RetentionWrites } from '../retention-store.ts';
import type { Db } from '../tables.ts';
import { insertMany } from './insert-many.ts';

/** What may be asked about what is to go. */
export function retentionReads(db: Db): RetentionReads {
  return {
    endedTasks: async (before, limit) => {
      const rows = await db
        .selectFrom('tasks')
        .select('tasks.id')
        .where('tasks.finished_at', '<', before)
        // the end is told by the agent's clock, which may be wrong by years; this is the store's
        .where('tasks.updated_at', '<', before)
        .where('tasks.status', 'in', endStatuses)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('tasks as below')
                .select('below.id')
                .whereRef('below.parent_task_id', '=', 'tasks.id')
                .where('below.status', 'not in', endStatuses),
            ),
          ),
        )
        .orderBy('tasks.finished_at')
        .limit(limit)
        .execute();
      return rows.map(({ id }) => id);
    },
    idempotencyKeyOf: async (taskId) => {
      const query = db.selectFrom('tasks').select('idempotency_key').where('id', '=', taskId);
      return (await query.executeTakeFirst())?.idempotency_key ?? null;
    },
    removals: async (before, limit) => {
      const query = db.selectFrom('removals').select('task_id').where('at', '<', before);
      return (await query.orderBy('at').limit(limit).execute()).map(({ task_id }) => task_id);
    },
  };
}

/** What may be written about it. */
export function retentionWrites(db: Db): RetentionWrites {
  return {
    insertRemovals: async (taskIds, at) => {
      const rows = taskIds.map((task_id) => ({ task_id, at }));
      await insertMany(db, 'removals', rows);
    },
    deleteRemovals: async (taskIds) => {
      if (taskIds.length > 0) await db.deleteFrom('removals').where('task_id', 'in', taskIds).execute();
    },
    forgetMeta: async (now) => {
      await db.deleteFrom('meta').where('forget_at', '<=', now).execute();
    },
  };
}
