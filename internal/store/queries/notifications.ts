import { sql } from 'kysely';
import {
  type ChannelFilter,
  type NotificationReads,
  type NotificationWrites,
  notificationRow,
} from '../notification-store.ts';
import type { Db } from '../tables.ts';

/** What may be asked about notifications. */
export function notificationReads(db: Db) {
  const due = (of: ChannelFilter) => {
    const rows = db.selectFrom('notifications').where('due_at', 'is not', null);
    if ('only' in of) return rows.where('channel', '=', of.only);
    return of.except.length === 0 ? rows : rows.where('channel', 'not in', of.except);
  };
  const readyAt = sql<number>`CASE WHEN taken_until > due_at THEN taken_until ELSE due_at END`;
  return {
    notification: async (id) => {
      const row = await db.selectFrom('notifications').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? notificationRow.decode(row) : null;
    },
    notifications: async ({ states, channel }, page) => {
      let query = db.selectFrom('notifications').selectAll();
      if (states !== undefined) query = query.where('state', 'in', states);
      if (channel !== undefined) query = query.where('channel', '=', channel);
      const newest = query.orderBy('created_at', 'desc').orderBy('id', 'desc');
      return (await newest.limit(page.limit).offset(page.offset).execute()).map(notificationRow.decode);
    },
    dueNotifications: async ({ of, now, limit }) => {
      const ready = due(of).where('due_at', '<=', now).where('taken_until', '<=', now);
      const rows = await ready.select('id').orderBy('due_at').orderBy('id').limit(limit).execute();
      return rows.map(({ id }) => id);
    },
    nextNotificationAt: async (of) => {
      const row = await due(of).select(readyAt.as('at')).orderBy(readyAt).limit(1).executeTakeFirst();
      return row === undefined ? null : Number(row.at);
    },
  } satisfies NotificationReads;
}

/** What may be written about them. Each is one statement, so that two servers never undo each other. */
export function notificationWrites(db: Db) {
  return {
    insertNotifications: async (notifications) => {
      if (notifications.length === 0) return 0;
      const result = await db
        .insertInto('notifications')
        .values(notifications.map(notificationRow.encode))
        .onConflict((conflict) => conflict.column('dedup_key').doNothing())
        .executeTakeFirst();
      return Number(result.numInsertedOrUpdatedRows ?? 0);
    },
    takeNotification: async (id, { now, until }) => {
      const result = await db
        .updateTable('notifications')
        .set(({ eb }) => ({ taken_until: until, tries: eb('tries', '+', 1) }))
        .where('id', '=', id)
        .where('due_at', '<=', now)
        .where('taken_until', '<=', now)
        .executeTakeFirst();
      return Number(result.numUpdatedRows) > 0;
    },
    settleNotification: async ({ id, takenUntil }, { state, dueAt, error, settledAt }) => {
      const result = await db
        .updateTable('notifications')
        .set({ state, due_at: dueAt, error, settled_at: settledAt, taken_until: 0 })
        .where('id', '=', id)
        .where('taken_until', '=', takenUntil)
        .executeTakeFirst();
      return Number(result.numUpdatedRows) > 0;
    },
    deleteNotifications: async (before, limit) => {
      const old = db.selectFrom('notifications').select('id').where('created_at', '<', before);
      const result = await db
        .deleteFrom('notifications')
        .where('id', 'in', old.orderBy('created_at').limit(limit))
        .executeTakeFirst();
      return Number(result.numDeletedRows);
    },
    addFailure: async (subject, now) => {
      const row = await db
        .insertInto('failure_streaks')
        .values({ subject, failures: 1, since: now })
        .onConflict((conflict) =>
          conflict.column('subject').doUpdateSet({ failures: sql<number>`failure_streaks.failures + 1` }),
        )
        .returning('failures')
        .executeTakeFirstOrThrow();
      return Number(row.failures);
    },
    endFailures: async (subject) => {
      const row = await db
        .deleteFrom('failure_streaks')
        .where('subject', '=', subject)
        .returning('failures')
        .executeTakeFirst();
      return Number(row?.failures ?? 0);
    },
  } satisfies NotificationWrites;
}
