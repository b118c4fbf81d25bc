import type { SelectQueryBuilder } from 'kysely';
import { taskLogRow } from '../nouns.ts';
import type { LogFilter, Reads, Transaction } from '../store.ts';
import type { Db, Tables } from '../tables.ts';

/** How many lines one statement inserts: its values stay far below the limits of both databases. */
const linesPerInsert = 200;

/** What may be asked about the structured logs of tasks. */
export function logReads(db: Db) {
  return {
    logs: async (taskId, filter, page) => {
      let query = filtered(db.selectFrom('task_logs').selectAll().where('task_id', '=', taskId), filter)
        .orderBy('timestamp', 'desc')
        .orderBy('id', 'desc');
      if (page) query = query.limit(page.limit).offset(page.offset);
      return (await query.execute()).map(taskLogRow.decode);
    },
    countLogs: async (taskId, filter) => {
      const query = filtered(db.selectFrom('task_logs').where('task_id', '=', taskId), filter);
      const row = await query.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
      return row.count;
    },
  } satisfies Pick<Reads, 'logs' | 'countLogs'>;
}

/** What may be written about them. A line whose id is there already is left as it is: it came twice. */
export function logWrites(db: Db) {
  return {
    insertLogs: async (logs) => {
      let inserted = 0;
      for (let from = 0; from < logs.length; from += linesPerInsert) {
        const rows = logs.slice(from, from + linesPerInsert).map(taskLogRow.encode);
        const result = await db
          .insertInto('task_logs')
          .values(rows)
          .onConflict((conflict) => conflict.column('id').doNothing())
          .executeTakeFirst();
        inserted += Number(result.numInsertedOrUpdatedRows ?? 0);
      }
      return inserted;
    },
    deleteLogs: async (taskId) => {
      await db.deleteFrom('task_logs').where('task_id', '=', taskId).execute();
    },
  } satisfies Pick<Transaction, 'insertLogs' | 'deleteLogs'>;
}

function filtered<O>(
  query: SelectQueryBuilder<Tables, 'task_logs', O>,
  { level, source, from, to }: LogFilter,
): SelectQueryBuilder<Tables, 'task_logs', O> {
  let found = query;
  if (level !== undefined) found = found.where('level', '=', level as Tables['task_logs']['level']);
  if (source !== undefined) found = found.where('source', '=', source);
  if (from !== undefined) found = found.where('timestamp', '>=', from);
  if (to !== undefined) found = found.where('timestamp', '<=', to);
  return found;
}
