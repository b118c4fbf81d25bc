import { sql } from 'kysely';
import { isEnded, taskStatuses } from '../../domain/task-status.ts';
import { taskRow } from '../nouns.ts';
import type { Db } from '../tables.ts';
import { occurrenceRow } from '../workflow-nouns.ts';
import type { WorkflowReads, WorkflowWrites } from '../workflow-store.ts';
import { insertMany } from './insert-many.ts';

// a lost task stands in nobody's way here: whether its run still goes is for the session's slot to say
const unfinished = taskStatuses.filter((status) => !isEnded(status) && status !== 'LOST');

/** The row itself stands for a run; what was made in its place has a key that names it. */
const dead = sql<boolean>`EXISTS (SELECT 1 FROM tasks WHERE tasks.id = occurrences.task_id AND tasks.status = 'FAILED')
  AND NOT EXISTS (SELECT 1 FROM occurrences AS again WHERE again.trigger_id = occurrences.trigger_id
    AND again.key = 'redrive:' || occurrences.id AND again.decision = 'run')`;

/** What may be asked about what became of triggers. */
export function occurrenceReads(db: Db) {
  return {
    occurrence: async (triggerId, key) => {
      const all = db.selectFrom('occurrences').selectAll().where('trigger_id', '=', triggerId);
      const row = await all.where('key', '=', key).executeTakeFirst();
      return row ? occurrenceRow.decode(row) : null;
    },
    occurrenceOfTask: async (taskId) => {
      const all = db.selectFrom('occurrences').selectAll().where('task_id', '=', taskId);
      const row = await all.orderBy('id').limit(1).executeTakeFirst();
      return row ? occurrenceRow.decode(row) : null;
    },
    occurrences: async ({ triggerId, workflowId, decision, from, isDead }, page) => {
      let query = db.selectFrom('occurrences').selectAll();
      if (triggerId !== undefined) query = query.where('trigger_id', '=', triggerId);
      if (workflowId !== undefined) query = query.where('workflow_id', '=', workflowId);
      if (decision !== undefined) query = query.where('decision', '=', decision);
      if (from !== undefined) query = query.where('decided_at', '>=', from);
      if (isDead) query = query.where(dead);
      const newest = query.orderBy('decided_at', 'desc').orderBy('id', 'desc');
      return (await newest.limit(page.limit).offset(page.offset).execute()).map(occurrenceRow.decode);
    },
    unfinishedTasks: async (triggerId) => {
      const rows = await db
        .selectFrom('tasks')
        .selectAll()
        .where('trigger_id', '=', triggerId)
        .where('status', 'in', unfinished)
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(taskRow.decode);
    },
    busyTriggers: async (ids) => {
      if (ids.length === 0) return new Set();
      const tasks = db.selectFrom('tasks').select('trigger_id').distinct().where('trigger_id', 'in', ids);
      const rows = await tasks.where('status', 'in', unfinished).execute();
      return new Set(rows.flatMap(({ trigger_id: id }) => id ?? []));
    },
  } satisfies Pick<
    WorkflowReads,
    'occurrence' | 'occurrenceOfTask' | 'occurrences' | 'unfinishedTasks' | 'busyTriggers'
  >;
}

/** What may be written about it: it only grows, but for what is made good later. */
export function occurrenceWrites(db: Db) {
  return {
    insertOccurrence: async (occurrence) => {
      const result = await db
        .insertInto('occurrences')
        .values(occurrenceRow.encode(occurrence))
        .onConflict((conflict) => conflict.columns(['trigger_id', 'key']).doNothing())
        .executeTakeFirst();
      return Number(result.numInsertedOrUpdatedRows ?? 0) > 0;
    },
    insertOccurrences: async (occurrences) => {
      const rows = await insertMany(db, 'occurrences', occurrences.map(occurrenceRow.encode), {
        end: 'ON CONFLICT (trigger_id, key) DO NOTHING RETURNING id',
      });
      return new Set(rows.map(({ id }) => id));
    },
    replaceSkipped: async (occurrence) => {
      const { id: _, trigger_id, key, ...row } = occurrenceRow.encode(occurrence);
      const result = await db
        .updateTable('occurrences')
        .set(row)
        .where('trigger_id', '=', trigger_id)
        .where('key', '=', key)
        .where('decision', '=', 'skipped')
        .executeTakeFirst();
      return Number(result.numUpdatedRows) > 0;
    },
  } satisfies Pick<WorkflowWrites, 'insertOccurrence' | 'insertOccurrences' | 'replaceSkipped'>;
}
