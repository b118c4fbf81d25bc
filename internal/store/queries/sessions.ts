import { sql } from 'kysely';
import { sessionRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';
import { anywhere, atStart, fold } from '../text.ts';
import { put } from './put.ts';

/** What may be asked about sessions. */
export function sessionReads(db: Db) {
  const one = async (column: 'id' | 'name', value: string) => {
    const row = await db.selectFrom('sessions').selectAll().where(column, '=', value).executeTakeFirst();
    return row ? sessionRow.decode(row) : null;
  };
  return {
    session: (id) => one('id', id),
    sessionByName: (name) => one('name', name),
    sessionByWorkspace: async (workspaceId) => {
      const row = await db
        .selectFrom('sessions')
        .selectAll()
        .where('workspace_id', '=', workspaceId)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row ? sessionRow.decode(row) : null;
    },
    sessions: async ({ name, idPrefix, status, tag }) => {
      let query = db.selectFrom('sessions').selectAll();
      if (name !== undefined)
        query = query.where(sql<boolean>`name_folded LIKE ${anywhere(fold(name))} ESCAPE '\\'`);
      if (idPrefix !== undefined)
        query = query.where(sql<boolean>`id LIKE ${atStart(idPrefix.toLowerCase())} ESCAPE '\\'`);
      if (status !== undefined) query = query.where('status', '=', status);
      const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').execute();
      const sessions = rows.map(sessionRow.decode);
      return tag === undefined ? sessions : sessions.filter((session) => session.tags.includes(tag));
    },
  } satisfies Pick<Reads, 'session' | 'sessionByName' | 'sessionByWorkspace' | 'sessions'>;
}

/** What may be written about sessions. */
export function sessionWrites(db: Db) {
  return {
    putSession: async (session) => {
      const row = { ...sessionRow.encode(session), name_folded: fold(session.name) };
      await put(db, 'sessions', { row, key: 'id' });
    },
    deleteSession: async (id) => {
      const tasks = await db
        .selectFrom('tasks')
        .select('id')
        .where('session_id', '=', id)
        .orderBy('id')
        .execute();
      await db.deleteFrom('events').where('session_id', '=', id).execute();
      await db.deleteFrom('agents').where('session_id', '=', id).execute();
      // Tasks, logs, artifacts, inputs and tokens go with it: ON DELETE CASCADE.
      await db.deleteFrom('sessions').where('id', '=', id).execute();
      return tasks.map((task) => task.id);
    },
  } satisfies Pick<Transaction, 'putSession' | 'deleteSession'>;
}
