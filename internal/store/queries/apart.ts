import { sql } from 'kysely';
import type { Transaction } from '../store.ts';
import type { Db } from '../tables.ts';

/** A part of a transaction by itself: in PostgreSQL a statement that fails spoils everything that was not behind a savepoint. */
export function apartOf(db: Db): Pick<Transaction, 'apart'> {
  return {
    apart: async (part) => {
      await sql`SAVEPOINT apart`.execute(db);
      try {
        return await part();
      } catch (error) {
        await sql`ROLLBACK TO SAVEPOINT apart`.execute(db);
        throw error;
      } finally {
        await sql`RELEASE SAVEPOINT apart`.execute(db);
      }
    },
  };
}
