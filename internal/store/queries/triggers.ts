import { sql } from 'kysely';
import type { Db } from '../tables.ts';
import { triggerEventRow, triggerRow } from '../workflow-nouns.ts';
import type { WorkflowReads, WorkflowWrites } from '../workflow-store.ts';
import { insertMany } from './insert-many.ts';
import { put } from './put.ts';

/** What may be asked about triggers. */
export function triggerReads(db: Db) {
  const awake = () =>
    db
      .selectFrom('triggers')
      .where('next_at', 'is not', null)
      .where('enabled', '=', 1)
      .where('paused_at', 'is', null);
  return {
    trigger: async (id) => {
      const row = await db.selectFrom('triggers').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? triggerRow.decode(row) : null;
    },
    triggers: async ({ workflowId, type }) => {
      let query = db.selectFrom('triggers').selectAll().orderBy('workflow_id').orderBy('name').orderBy('id');
      if (workflowId !== undefined) query = query.where('workflow_id', '=', workflowId);
      if (type !== undefined) query = query.where('type', '=', type);
      return (await query.execute()).map(triggerRow.decode);
    },
    triggersOf: async (ids) => {
      if (ids.length === 0) return [];
      const rows = await db.selectFrom('triggers').selectAll().where('id', 'in', ids).execute();
      const found = new Map(rows.map((row) => [row.id, row]));
      return ids.flatMap((id) => found.get(id) ?? []).map(triggerRow.decode);
    },
    dueTriggers: async (now, limit) => {
      const due = awake().select('id').where('next_at', '<=', now);
      const rows = await due.orderBy('next_at').orderBy('id').limit(limit).execute();
      return rows.map(({ id }) => id);
    },
    nextDueAt: async () => {
      const row = await awake().select('next_at').orderBy('next_at').limit(1).executeTakeFirst();
      return row?.next_at ?? null;
    },
    triggerEvent: async (id) => {
      const row = await db.selectFrom('trigger_events').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? triggerEventRow.decode(row) : null;
    },
  } satisfies Pick<
    WorkflowReads,
    'trigger' | 'triggers' | 'triggersOf' | 'dueTriggers' | 'nextDueAt' | 'triggerEvent'
  >;
}

/** What may be written about them. */
export function triggerWrites(db: Db) {
  return {
    putTrigger: async (trigger) => {
      await put(db, 'triggers', { row: triggerRow.encode(trigger), key: 'id' });
    },
    moveTriggers: async (moved, now) => {
      if (moved.length === 0) return;
      const values = moved.map(
        ({ id, cursor, nextAt, zoneData }) =>
          sql`(${id}, CAST(${cursor} AS BIGINT), CAST(${nextAt} AS BIGINT), ${zoneData})`,
      );
      await sql`WITH moved (id, cursor, next_at, zone_data) AS (VALUES ${sql.join(values)})
        UPDATE triggers SET cursor = moved.cursor, next_at = moved.next_at, zone_data = moved.zone_data, updated_at = ${now}
        FROM moved WHERE triggers.id = moved.id`.execute(db);
    },
    deleteTrigger: async (id) => {
      await db.deleteFrom('triggers').where('id', '=', id).execute();
      await db.deleteFrom('holds').where('scope', '=', 'trigger').where('name', '=', id).execute();
    },
    insertTriggerEvent: async (event) => {
      await db.insertInto('trigger_events').values(triggerEventRow.encode(event)).execute();
    },
    insertTriggerEvents: async (events) => {
      await insertMany(db, 'trigger_events', events.map(triggerEventRow.encode));
    },
    deleteTriggerEvents: async (beforeId, limit) => {
      const old = db.selectFrom('trigger_events').select('id').where('id', '<', beforeId);
      const result = await db
        .deleteFrom('trigger_events')
        .where('id', 'in', old.orderBy('id').limit(limit))
        .executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  } satisfies Pick<
    WorkflowWrites,
    | 'putTrigger'
    | 'moveTriggers'
    | 'deleteTrigger'
    | 'insertTriggerEvent'
    | 'insertTriggerEvents'
    | 'deleteTriggerEvents'
  >;
}
