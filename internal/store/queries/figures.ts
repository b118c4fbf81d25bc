import { sql } from 'kysely';
import type { TaskStatus } from '../../domain/task-status.ts';
import type { Reads } from '../store.ts';
import type { Db } from '../tables.ts';
import { unfinishedTasks } from '../unfinished.ts';

/** Breakers that are named, of those that are not closed. */
const maxBreakers = 200;

/** Figures for metrics and health: cheap, however many tasks have ended. */
export function figureReads(db: Db) {
  return {
    figures: async (now, agentsSince) => {
      const tasks = await db
        .selectFrom('tasks')
        .select(['status', (eb) => eb.fn.countAll<number>().as('count')])
        .where(unfinishedTasks)
        .groupBy('status')
        .execute();
      const { count, oldest } = await db
        .selectFrom('tasks')
        .select([
          (eb) => eb.fn.countAll<number>().as('count'),
          sql<number | null>`min(coalesce(not_before, created_at))`.as('oldest'),
        ])
        .where(unfinishedTasks)
        .where('status', '=', 'PENDING')
        .where('unmet_needs', '=', 0)
        .where((eb) => eb.or([eb('not_before', 'is', null), eb('not_before', '<=', now)]))
        .executeTakeFirstOrThrow();
      const triggers = await db
        .selectFrom('triggers')
        .select([
          'enabled',
          sql<number>`CASE WHEN paused_at IS NULL THEN 0 ELSE 1 END`.as('held'),
          (eb) => eb.fn.countAll<number>().as('count'),
        ])
        .groupBy(['enabled', 'held'])
        .execute();
      const agents = await db
        .selectFrom('agents')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('last_seen_at', '>=', agentsSince)
        .executeTakeFirstOrThrow();
      const breakers = await db
        .selectFrom('workflow_histories')
        .innerJoin('workflows', 'workflows.id', 'workflow_histories.workflow_id')
        .select('workflows.name')
        // most are closed, and are not read
        .where('workflow_histories.breaker', 'is not', null)
        .where('workflow_histories.breaker', 'not like', '%"state":"closed"%')
        .orderBy('workflows.name')
        .limit(maxBreakers)
        .execute();
      const triggersIn = (enabled: boolean, held: boolean | null) =>
        triggers
          .filter((row) => Boolean(row.enabled) === enabled && (held === null || Boolean(row.held) === held))
          .reduce((sum, row) => sum + Number(row.count), 0);
      return {
        tasks: tasks.map((row) => ({ status: row.status as TaskStatus, count: Number(row.count) })),
        queue: { count: Number(count), oldestAt: oldest === null ? null : Number(oldest) },
        triggers: {
          awake: triggersIn(true, false),
          held: triggersIn(true, true),
          disabled: triggersIn(false, null),
        },
        agents: Number(agents.count),
        openBreakers: breakers.map(({ name }) => name),
      };
    },
  } satisfies Pick<Reads, 'figures'>;
}
