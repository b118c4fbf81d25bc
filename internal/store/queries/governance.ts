import { sql } from 'kysely';
import { isEnded, taskStatuses } from '../../domain/task-status.ts';
import { policyRow, reservationRow, workflowHistoryRow } from '../governance-nouns.ts';
import type { GovernanceReads, GovernanceWrites } from '../governance-store.ts';
import type { Db } from '../tables.ts';
import { unfinishedTasks } from '../unfinished.ts';
import { put } from './put.ts';

// as for overlaps: whether the run of a lost task still goes is for the slot of its session to say
const unfinished = taskStatuses.filter((status) => !isEnded(status) && status !== 'LOST');

/** What may be asked about policies and what they count. */
export function governanceReads(db: Db) {
  return {
    policies: async (places) => {
      if (places.length === 0) return [];
      const rows = await db.selectFrom('policies').selectAll().where('place', 'in', places).execute();
      return rows.map(policyRow.decode);
    },
    workflowHistory: async (workflowId) => {
      const all = db.selectFrom('workflow_histories').selectAll();
      const row = await all.where('workflow_id', '=', workflowId).executeTakeFirst();
      return row ? workflowHistoryRow.decode(row) : null;
    },
    counters: async (keys) => {
      if (keys.length === 0) return new Map();
      const all = db.selectFrom('limit_counters').select(['key', 'used']);
      const rows = await all.where('key', 'in', keys).execute();
      return new Map(rows.map(({ key, used }) => [key, used]));
    },
    reservation: async (taskId) => {
      const all = db.selectFrom('reservations').selectAll();
      const row = await all.where('task_id', '=', taskId).executeTakeFirst();
      return row ? reservationRow.decode(row) : null;
    },
    recentCosts: async (workflowId, limit) => {
      const rows = await db
        .selectFrom('reservations')
        .select('spent_micro')
        .where('workflow_id', '=', workflowId)
        .where('state', '=', 'settled')
        .orderBy('created_at', 'desc')
        .limit(limit)
        .execute();
      return rows.map(({ spent_micro }) => spent_micro);
    },
    countUnfinished: async ({ workflowId, sessionId }) => {
      let query = db
        .selectFrom('tasks')
        .select((of) => of.fn.countAll<number>().as('count'))
        // says it again in the words of an index that has nothing but these: most tasks have ended
        .where(unfinishedTasks)
        .where('status', 'in', unfinished)
        .where('trigger_id', 'is not', null);
      if (sessionId !== undefined) query = query.where('session_id', '=', sessionId);
      if (workflowId !== undefined)
        query = query.where(
          'trigger_id',
          'in',
          db.selectFrom('triggers').select('id').where('workflow_id', '=', workflowId),
        );
      return Number((await query.executeTakeFirst())?.count ?? 0);
    },
  } satisfies Omit<GovernanceReads, 'costs' | 'costSum' | 'approval' | 'approvals'>;
}

/** What may be written about them. */
export function governanceWrites(db: Db) {
  return {
    putPolicy: async (policy) => {
      await put(db, 'policies', { row: policyRow.encode(policy), key: 'place' });
    },
    deletePolicy: async (place) => {
      await db.deleteFrom('policies').where('place', '=', place).execute();
    },
    putWorkflowHistory: async (history) => {
      const { workflow_id, ...row } = workflowHistoryRow.encode(history);
      if (history.version === 1) {
        const made = await db
          .insertInto('workflow_histories')
          .values({ workflow_id, ...row })
          .onConflict((conflict) => conflict.column('workflow_id').doNothing())
          .executeTakeFirst();
        return Number(made.numInsertedOrUpdatedRows ?? 0) > 0;
      }
      const changed = await db
        .updateTable('workflow_histories')
        .set(row)
        .where('workflow_id', '=', workflow_id)
        .where('version', '=', history.version - 1)
        .executeTakeFirst();
      return Number(changed.numUpdatedRows) > 0;
    },
    takeFromCounter: async ({ key, amount, limit, now }) => {
      if (amount > limit) return false;
      const result = await db
        .insertInto('limit_counters')
        .values({ key, used: amount, updated_at: now })
        .onConflict((conflict) =>
          conflict
            .column('key')
            .doUpdateSet({ used: sql<number>`limit_counters.used + ${amount}`, updated_at: now })
            .where(sql<boolean>`limit_counters.used + ${amount} <= ${limit}`),
        )
        .executeTakeFirst();
      return Number(result.numInsertedOrUpdatedRows ?? 0) > 0;
    },
    addToCounter: async ({ key, amount, now }) => {
      await db
        .insertInto('limit_counters')
        .values({ key, used: Math.max(0, amount), updated_at: now })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({
            used: sql<number>`CASE WHEN limit_counters.used + ${amount} < 0 THEN 0 ELSE limit_counters.used + ${amount} END`,
            updated_at: now,
          }),
        )
        .execute();
    },
    forgetCounters: async (before) => {
      await db.deleteFrom('limit_counters').where('updated_at', '<', before).execute();
    },
    putReservation: async (reservation) => {
      await put(db, 'reservations', { row: reservationRow.encode(reservation), key: 'task_id' });
    },
  } satisfies Omit<GovernanceWrites, 'insertCost' | 'putApproval'>;
}
