import { sql } from 'kysely';
import type { Db, Tables } from '../tables.ts';

/**
 * Inserts rows in one statement. It is put together by hand: building so large a statement out of its parts would cost more
 * than running it.
 *
 * @param rows  all with the same columns in the same order, as a row map makes them; none = nothing is done
 * @param options.end  what follows the rows, such as `RETURNING id`
 * @returns what is returned by the end
 */
export async function insertMany<T extends keyof Tables>(
  db: Db,
  table: T,
  rows: readonly object[],
  { end = '' }: { readonly end?: string } = {},
): Promise<{ readonly id: string }[]> {
  const [first] = rows;
  if (first === undefined) return [];
  const columns = Object.keys(first).join(', ');
  const tuples = rows.map((row) => sql`(${sql.join(Object.values(row))})`);
  const statement = sql<{
    id: string;
  }>`${sql.raw(`INSERT INTO ${table} (${columns}) VALUES `)}${sql.join(tuples)} ${sql.raw(end)}`;
  return (await statement.execute(db)).rows;
}
