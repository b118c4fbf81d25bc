import { costRow } from '../governance-nouns.ts';
import type { GovernanceReads, GovernanceWrites } from '../governance-store.ts';
import type { Db } from '../tables.ts';

/** What may be asked about what tasks cost. */
export function costReads(db: Db) {
  return {
    costs: async (taskId) => {
      const all = db.selectFrom('costs').selectAll().where('task_id', '=', taskId);
      return (await all.orderBy('at').orderBy('key').execute()).map(costRow.decode);
    },
    costSum: async (taskId) => {
      const row = await db
        .selectFrom('costs')
        .select(({ fn }) => [
          fn.sum<number | null>('micro').as('micro'),
          fn.sum<number | null>('tokens_in').as('tokensIn'),
          fn.sum<number | null>('tokens_out').as('tokensOut'),
          fn.countAll<number>().as('entries'),
        ])
        .where('task_id', '=', taskId)
        .executeTakeFirst();
      const number = (value: number | null | undefined) => Number(value ?? 0);
      return {
        micro: number(row?.micro),
        tokensIn: number(row?.tokensIn),
        tokensOut: number(row?.tokensOut),
        entries: number(row?.entries),
      };
    },
  } satisfies Pick<GovernanceReads, 'costs' | 'costSum'>;
}

/** What may be written about it: it only grows. */
export function costWrites(db: Db) {
  return {
    insertCost: async (cost) => {
      const result = await db
        .insertInto('costs')
        .values(costRow.encode(cost))
        .onConflict((conflict) => conflict.columns(['task_id', 'key']).doNothing())
        .executeTakeFirst();
      return Number(result.numInsertedOrUpdatedRows ?? 0) > 0;
    },
  } satisfies Pick<GovernanceWrites, 'insertCost'>;
}
