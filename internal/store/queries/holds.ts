import type { Db } from '../tables.ts';
import { holdRow } from '../workflow-nouns.ts';
import type { WorkflowReads, WorkflowWrites } from '../workflow-store.ts';

/** What may be asked about holds. */
export function holdReads(db: Db) {
  return {
    holds: async () =>
      (await db.selectFrom('holds').selectAll().orderBy('at').orderBy('scope').orderBy('name').execute()).map(
        holdRow.decode,
      ),
  } satisfies Pick<WorkflowReads, 'holds'>;
}

/** What may be written about them. */
export function holdWrites(db: Db) {
  return {
    putHold: async (hold) => {
      const { scope, name, ...rest } = holdRow.encode(hold);
      await db
        .insertInto('holds')
        .values({ scope, name, ...rest })
        .onConflict((conflict) => conflict.columns(['scope', 'name']).doUpdateSet(rest))
        .execute();
    },
    deleteHold: async ({ scope, name }) => {
      await db.deleteFrom('holds').where('scope', '=', scope).where('name', '=', name).execute();
    },
  } satisfies Pick<WorkflowWrites, 'putHold' | 'deleteHold'>;
}
