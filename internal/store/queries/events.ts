import { sql } from 'kysely';
import { eventRow } from '../nouns.ts';
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';
import { insertMany } from './insert-many.ts';

/** What may be asked about live events. */
export function eventReads(db: Db) {
  return {
    events: async (sessionId, afterSeq, limit) => {
      const rows = await db
        .selectFrom('events')
        .selectAll()
        .where('session_id', '=', sessionId)
        .where('seq', '>', afterSeq)
        .orderBy('seq')
        .limit(limit)
        .execute();
      return rows.map(eventRow.decode);
    },
    lastEventSeq: async (sessionId) => {
      const row = await db
        .selectFrom('event_counters')
        .select('last_seq')
        .where('session_id', '=', sessionId)
        .executeTakeFirst();
      return row?.last_seq ?? 0;
    },
  } satisfies Pick<Reads, 'events' | 'lastEventSeq'>;
}

/** What may be written about live events. */
export function eventWrites(db: Db) {
  return {
    // The counter's row makes other transactions wait, so numbers become visible in the order they were given.
    insertEvent: async (event) => {
      const { last_seq: seq } = await db
        .insertInto('event_counters')
        .values({ session_id: event.sessionId, last_seq: 1 })
        .onConflict((conflict) =>
          conflict.column('session_id').doUpdateSet({ last_seq: sql<number>`event_counters.last_seq + 1` }),
        )
        .returning('last_seq')
        .executeTakeFirstOrThrow();
      await db
        .insertInto('events')
        .values(eventRow.encode({ ...event, seq }))
        .execute();
      return seq;
    },
    insertEvents: async (sessionId, events) => {
      const count = events.length;
      if (count === 0) return;
      const { last_seq: last } = await db
        .insertInto('event_counters')
        .values({ session_id: sessionId, last_seq: count })
        .onConflict((conflict) =>
          conflict
            .column('session_id')
            .doUpdateSet({ last_seq: sql<number>`event_counters.last_seq + ${count}` }),
        )
        .returning('last_seq')
        .executeTakeFirstOrThrow();
      const rows = events.map((event, index) => eventRow.encode({ ...event, seq: last - count + 1 + index }));
      await insertMany(db, 'events', rows);
    },
  } satisfies Pick<Transaction, 'insertEvent' | 'insertEvents'>;
}
