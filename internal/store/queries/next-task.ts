import { sql } from 'kysely';
import { taskRow } from '../nouns.ts';
import { ageingMs, type Reads } from '../store.ts';
import type { Db, Tables } from '../tables.ts';

const maxSessions = 1000;
/** Of these sessions: for each skill that is needed, and each agent with labels of its own. */
const maxRivalRows = 20_000;

/** What the queue is asked when somebody wants work. */
export function nextTaskReads(db: Db) {
  return {
    nextTask: async ({ sessionId, now, outside, labels = [] }) => {
      const room =
        outside.length === 0
          ? sql``
          : sql`AND (concurrency_group IS NULL OR concurrency_group NOT IN (${sql.join(outside)}))`;
      const fits =
        labels.length === 0
          ? sql``
          : sql`AND (required_skill IS NULL OR required_skill IN (${sql.join(labels)}))`;
      // Age is the same for all, so of each priority the oldest comes first. The index gives each of these heads at once:
      // the time this takes grows with how many priorities there are, not with how many tasks. The cast: whole numbers divide whole.
      const { rows } = await sql<Tables['tasks']>`
        WITH RECURSIVE levels (priority) AS (
          SELECT max(priority) FROM tasks WHERE session_id = ${sessionId} AND status = 'PENDING'
          UNION ALL
          SELECT (SELECT max(tasks.priority) FROM tasks
            WHERE session_id = ${sessionId} AND status = 'PENDING' AND tasks.priority < levels.priority)
          FROM levels WHERE levels.priority IS NOT NULL)
        SELECT tasks.* FROM levels JOIN tasks ON tasks.id = (
          SELECT id FROM tasks
          WHERE session_id = ${sessionId} AND status = 'PENDING' AND tasks.priority = levels.priority
            AND unmet_needs = 0 AND (not_before IS NULL OR not_before <= ${now}) ${room} ${fits}
          ORDER BY created_at, id LIMIT 1)
        ORDER BY tasks.priority + (CAST(${now} AS BIGINT) - tasks.created_at) / ${sql.lit(ageingMs)} DESC, tasks.created_at, tasks.id
        LIMIT 1`.execute(db);
      return rows[0] === undefined ? null : taskRow.decode(rows[0]);
    },
    nextNotBefore: async (sessionId, now) => {
      const row = await db
        .selectFrom('tasks')
        .select((eb) => eb.fn.min('not_before').as('at'))
        .where('session_id', '=', sessionId)
        .where('status', '=', 'PENDING')
        .where('not_before', '>', now)
        .executeTakeFirst();
      return row?.at ?? null;
    },
    groupLoad: async (group, lostSince) => {
      const row = await db
        .selectFrom('tasks')
        .innerJoin('attempts', 'attempts.task_id', 'tasks.id')
        .where('concurrency_group', '=', group)
        .where('status', 'in', ['PROCESSING', 'WAITING_FOR_INPUT', 'LOST'])
        .where((eb) =>
          eb.or([
            eb('state', 'in', ['claimed', 'exited']),
            eb.and([eb('state', '=', 'lost'), eb('lease_until', '>', lostSince)]),
          ]),
        )
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      return row.count;
    },
    groupSessions: async (group) => {
      const rows = await db
        .selectFrom('tasks')
        .select('session_id')
        .distinct()
        .where('concurrency_group', '=', group)
        .where('status', '=', 'PENDING')
        .orderBy('session_id')
        .limit(maxSessions)
        .execute();
      return rows.map(({ session_id }) => session_id);
    },
    groupRivals: async (group, { now, seenSince }) => {
      const rows = await db
        .selectFrom('tasks')
        .innerJoin('agents', 'agents.session_id', 'tasks.session_id')
        .select(['tasks.session_id', 'tasks.required_skill', 'agents.labels'])
        .distinct()
        .where('concurrency_group', '=', group)
        .where('status', '=', 'PENDING')
        .where('unmet_needs', '=', 0)
        .where((due) => due.or([due('not_before', 'is', null), due('not_before', '<=', now)]))
        .where('agents.task_id', 'is', null)
        .where('last_seen_at', '>=', seenSince)
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('attempts')
                .select('attempts.task_id')
                .whereRef('attempts.session_id', '=', 'tasks.session_id')
                .where('state', 'in', ['claimed', 'exited']),
            ),
          ),
        )
        .orderBy('tasks.session_id')
        .limit(maxRivalRows)
        .execute();
      const able = rows.filter(({ required_skill: skill, labels }) => {
        const own = JSON.parse(labels) as readonly string[];
        return skill === null || own.length === 0 || own.includes(skill);
      });
      return [...new Set(able.map(({ session_id }) => session_id))].slice(0, maxSessions);
    },
    sessionsWithWork: async (ids, now) => {
      if (ids.length === 0) return [];
      const rows = await db
        .selectFrom('sessions')
        .select('id')
        .where('id', 'in', ids)
        .where((eb) =>
          eb.exists(
            eb
              .selectFrom('tasks')
              .select('tasks.id')
              .whereRef('session_id', '=', 'sessions.id')
              .where('tasks.status', 'in', ['PENDING', 'LOST'])
              .where('unmet_needs', '=', 0)
              .where((due) => due.or([due('not_before', 'is', null), due('not_before', '<=', now)])),
          ),
        )
        .execute();
      return rows.map(({ id }) => id);
    },
  } satisfies Partial<Reads>;
}
