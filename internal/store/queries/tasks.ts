import { type SelectQueryBuilder, sql } from 'kysely';
import { taskRow } from '../nouns.ts';
import type { Reads, TaskFilter, Transaction } from '../store.ts';
import type { Db, Tables } from '../tables.ts';
import { insertMany } from './insert-many.ts';
import { nextTaskReads } from './next-task.ts';
import { put } from './put.ts';

/** What may be asked about tasks. */
export function taskReads(db: Db) {
  return {
    ...nextTaskReads(db),
    task: async (id) => {
      const row = await db.selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? taskRow.decode(row) : null;
    },
    tasks: async (filter, order, page) => {
      let query = filtered(db.selectFrom('tasks').selectAll(), filter);
      query =
        order === 'queue'
          ? query.orderBy('priority', 'desc').orderBy('created_at').orderBy('id')
          : query.orderBy('created_at', 'desc').orderBy('id', 'desc');
      if (page) query = query.limit(page.limit).offset(page.offset);
      return (await query.execute()).map(taskRow.decode);
    },
    countTasks: async (filter) => {
      const query = filtered(db.selectFrom('tasks'), filter);
      const row = await query.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
      return row.count;
    },
    taskByIdempotencyKey: async (key) => {
      const row = await db
        .selectFrom('tasks')
        .selectAll()
        .where('idempotency_key', '=', key)
        .executeTakeFirst();
      return row ? { task: taskRow.decode(row), fingerprint: row.fingerprint ?? '' } : null;
    },
  } satisfies Partial<Reads>;
}

/** What may be written about tasks. */
export function taskWrites(db: Db) {
  return {
    putTask: async (task, key) => {
      const kept = { idempotency_key: key?.key ?? null, fingerprint: key?.fingerprint ?? null };
      await put(db, 'tasks', { row: taskRow.encode(task), key: 'id', kept });
    },
    insertTasks: async (tasks) => {
      const none = { idempotency_key: null, fingerprint: null };
      await insertMany(
        db,
        'tasks',
        tasks.map((task) => ({ ...taskRow.encode(task), ...none })),
      );
    },
    deleteTask: async (id) => {
      // By session too, because events are found by session and number.
      await db
        .deleteFrom('events')
        .where('session_id', '=', (eb) =>
          eb.selectFrom('tasks').select('tasks.session_id').where('id', '=', id),
        )
        .where('task_id', '=', id)
        .execute();
      await db.deleteFrom('tasks').where('id', '=', id).execute();
    },
  } satisfies Pick<Transaction, 'putTask' | 'insertTasks' | 'deleteTask'>;
}

function filtered<O>(
  query: SelectQueryBuilder<Tables, 'tasks', O>,
  { sessionId, statuses, parentTaskId, workspaceId, dueBy }: TaskFilter,
): SelectQueryBuilder<Tables, 'tasks', O> {
  let found = query;
  if (sessionId !== undefined) found = found.where('session_id', '=', sessionId);
  const [first, ...more] = statuses ?? [];
  if (first !== undefined)
    found =
      more.length > 0 ? found.where('status', 'in', [first, ...more]) : found.where('status', '=', first);
  else if (statuses) found = found.where(sql<boolean>`1 = 0`);
  if (parentTaskId !== undefined) found = found.where('parent_task_id', '=', parentTaskId);
  if (workspaceId !== undefined)
    found = found.where('session_id', 'in', (eb) =>
      eb.selectFrom('sessions').select('sessions.id').where('workspace_id', '=', workspaceId),
    );
  if (dueBy !== undefined)
    found = found
      .where((eb) => eb.or([eb('not_before', 'is', null), eb('not_before', '<=', dueBy)]))
      .where('unmet_needs', '=', 0);
  return found;
}
