import { CompiledQuery, sql } from 'kysely';
import type { Db, Tables } from '../tables.ts';

/** Rows of one statement: of few sizes, so that databases know most statements already. */
const sizes = [64, 32, 16, 8, 4, 2, 1];

/** Texts of statements, by what they are made of. */
const texts = new Map<string, string>();

/**
 * Inserts many rows with few statements. Their texts are put together by hand and kept: building one out of its parts would
 * cost more than running it.
 *
 * @param rows  all with the same columns in the same order, as a row map makes them; none = nothing is done
 * @param options.end  what follows the rows, such as `RETURNING id`; always the same for one table
 * @returns what is returned by the end
 */
export async function insertMany<T extends keyof Tables>(
  db: Db,
  table: T,
  rows: readonly object[],
  { end = '' }: { readonly end?: string } = {},
): Promise<{ readonly id: string }[]> {
  const returned: { readonly id: string }[] = [];
  for (let from = 0; from < rows.length; ) {
    const size = sizes.find((one) => one <= rows.length - from) ?? 1;
    const part = rows.slice(from, from + size);
    const values = part.flatMap((row) => Object.values(row));
    const text = textOf(db, table, { columns: Object.keys(part[0] ?? {}), size, end });
    const { rows: got } = await db.executeQuery<{ id: string }>(CompiledQuery.raw(text, values));
    returned.push(...got);
    from += size;
  }
  return returned;
}

function textOf(
  db: Db,
  table: string,
  {
    columns,
    size,
    end,
  }: { readonly columns: readonly string[]; readonly size: number; readonly end: string },
): string {
  const isNumbered = sql`${0}`.compile(db).sql === '$1';
  const name = `${table} ${size} ${isNumbered}`;
  const known = texts.get(name);
  if (known !== undefined) return known;
  const tuples = Array.from({ length: size }, (_, row) => {
    const signs = columns.map((_column, at) => (isNumbered ? `$${row * columns.length + at + 1}` : '?'));
    return `(${signs.join(', ')})`;
  });
  const text = `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${tuples.join(', ')} ${end}`;
  texts.set(name, text);
  return text;
}
