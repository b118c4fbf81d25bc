import { sql } from 'kysely';
import type { Db, Tables } from '../tables.ts';

const texts = new Map<string, { readonly before: string; readonly after: string }>();

/**
 * Inserts a row, or replaces the columns that `row` has in the row with the same key.
 * Its text is made once per table: building so wide a statement anew would cost more than running it.
 *
 * @param row always with the same columns in the same order, as a row map makes it
 * @param kept columns that are written when the row is new and then never again
 */
export async function put<T extends keyof Tables>(
  db: Db,
  table: T,
  { row, key, kept = {} }: { readonly row: object; readonly key: string; readonly kept?: object },
): Promise<void> {
  const text = texts.get(table) ?? textOf(table, { row, key, kept });
  texts.set(table, text);
  const values = sql.join([...Object.values(row), ...Object.values(kept)]);
  await sql`${sql.raw(text.before)}${values}${sql.raw(text.after)}`.execute(db);
}

function textOf(table: string, { row, key, kept }: { row: object; key: string; kept: object }) {
  const columns = [...Object.keys(row), ...Object.keys(kept)].join(', ');
  const replaced = Object.keys(row).map((column) => `${column} = excluded.${column}`);
  return {
    before: `INSERT INTO ${table} (${columns}) VALUES (`,
    after: `) ON CONFLICT (${key}) DO UPDATE SET ${replaced.join(', ')}`,
  };
}
