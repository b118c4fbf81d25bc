import type { SelectQueryBuilder } from 'kysely';
import { sessionLogRow } from '../nouns.ts';
import type { LogFilter, Reads, Transaction } from '../store.ts';
import type { Db, Tables } from '../tables.ts';

/** What may be asked about the logs of sessions. */
export function sessionLogReads(db: Db) {
  return {
    sessionLogs: async (sessionId, filter, page) => {
      let query = filtered(db.selectFrom('session_logs').selectAll(), filter);
      if (sessionId !== null) query = query.where('session_id', '=', sessionId);
      const rows = await query
        .orderBy('timestamp', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit)
        .offset(page.offset)
        .execute();
      return rows.map(sessionLogRow.decode);
    },
    countSessionLogs: async (sessionId, filter) => {
      const query = filtered(db.selectFrom('session_logs'), filter).where('session_id', '=', sessionId);
      const row = await query.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
      return row.count;
    },
    sessionLog: async (id) => {
      const row = await db.selectFrom('session_logs').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? sessionLogRow.decode(row) : null;
    },
  } satisfies Pick<Reads, 'sessionLogs' | 'countSessionLogs' | 'sessionLog'>;
}

/** What may be written about them. */
export function sessionLogWrites(db: Db) {
  return {
    insertSessionLog: async (log) => {
      await db.insertInto('session_logs').values(sessionLogRow.encode(log)).execute();
    },
    deleteSessionLogs: async (sessionId) => {
      await db.deleteFrom('session_logs').where('session_id', '=', sessionId).execute();
    },
  } satisfies Pick<Transaction, 'insertSessionLog' | 'deleteSessionLogs'>;
}

function filtered<O>(
  query: SelectQueryBuilder<Tables, 'session_logs', O>,
  { level, source, from, to, action }: LogFilter & { action?: string },
): SelectQueryBuilder<Tables, 'session_logs', O> {
  let found = query;
  if (level !== undefined) found = found.where('level', '=', level as Tables['session_logs']['level']);
  if (source !== undefined) found = found.where('source', '=', source);
  if (action !== undefined) found = found.where('action', '=', action);
  if (from !== undefined) found = found.where('timestamp', '>=', from);
  if (to !== undefined) found = found.where('timestamp', '<=', to);
  return found;
}
