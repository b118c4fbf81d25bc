import { sql } from 'kysely';
import type { Db } from '../tables.ts';
import { reportRow } from '../workflow-nouns.ts';
import type { WorkflowReads, WorkflowWrites } from '../workflow-store.ts';

/** What may be asked about reports. */
export function reportReads(db: Db) {
  const due = () => db.selectFrom('reports').where('due_at', 'is not', null);
  const readyAt = sql<number>`CASE WHEN taken_until > due_at THEN taken_until ELSE due_at END`;
  return {
    report: async (taskId) => {
      const all = db.selectFrom('reports').selectAll();
      const row = await all.where('task_id', '=', taskId).executeTakeFirst();
      return row ? reportRow.decode(row) : null;
    },
    dueReports: async (now, limit) => {
      const ready = due().where('due_at', '<=', now).where('taken_until', '<=', now);
      const rows = await ready.select('task_id').orderBy('due_at').orderBy('task_id').limit(limit).execute();
      return rows.map(({ task_id }) => task_id);
    },
    nextReportAt: async () => {
      const row = await due().select(readyAt.as('at')).orderBy(readyAt).limit(1).executeTakeFirst();
      return row === undefined ? null : Number(row.at);
    },
    hasNewerReport: async ({ lane, createdAt, taskId }) => {
      const row = await db
        .selectFrom('reports')
        .select('task_id')
        .where('lane', '=', lane)
        .where(({ eb, and, or }) =>
          or([
            eb('created_at', '>', createdAt),
            and([eb('created_at', '=', createdAt), eb('task_id', '>', taskId)]),
          ]),
        )
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    },
  } satisfies Pick<WorkflowReads, 'report' | 'dueReports' | 'nextReportAt' | 'hasNewerReport'>;
}

/** What may be written about them. Each is one statement, so that two servers never undo each other. */
export function reportWrites(db: Db) {
  return {
    insertReport: async (report) => {
      await db.insertInto('reports').values(reportRow.encode(report)).execute();
    },
    wishReport: async (taskId, wish, now) => {
      const result = await db
        .updateTable('reports')
        .set({ wish: JSON.stringify(wish), tries: 0, due_at: now, wished_at: now, error: null })
        .set(({ eb }) => ({ version: eb('version', '+', 1) }))
        .where('task_id', '=', taskId)
        .executeTakeFirst();
      return Number(result.numUpdatedRows) > 0;
    },
    takeReport: async (taskId, { now, until }) => {
      const result = await db
        .updateTable('reports')
        .set(({ eb }) => ({ taken_until: until, tries: eb('tries', '+', 1) }))
        .where('task_id', '=', taskId)
        .where('due_at', '<=', now)
        .where('taken_until', '<=', now)
        .executeTakeFirst();
      return Number(result.numUpdatedRows) > 0;
    },
    settleReport: async ({ taskId, version, takenUntil }, { dueAt, error }) => {
      const taken = db.updateTable('reports').where('task_id', '=', taskId);
      const mine = taken.where('taken_until', '=', takenUntil);
      await mine.where('version', '=', version).set({ due_at: dueAt, error }).execute();
      await mine.set({ taken_until: 0 }).execute();
    },
    deleteReports: async (before, limit) => {
      const old = db.selectFrom('reports').select('task_id').where('wished_at', '<', before);
      const result = await db
        .deleteFrom('reports')
        .where('task_id', 'in', old.orderBy('wished_at').limit(limit))
        .executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  } satisfies Pick<
    WorkflowWrites,
    'insertReport' | 'wishReport' | 'takeReport' | 'settleReport' | 'deleteReports'
  >;
}
