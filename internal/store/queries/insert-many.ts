import { CompiledQuery, sql } from 'kysely';
import type { Db, Tables } from '../tables.ts';

/** Rows of one statement of SQLite: of few sizes, so that it knows most statements already. */
const sizes = [64, 32, 16, 8, 4, 2, 1];

/** Texts of statements, by what they are made of. */
const texts = new Map<string, string>();

/**
 * Inserts many rows with few statements. Their texts are put together by hand and kept: building one out of its parts would
 * cost more than running it.
 *
 * @param rows  all with the same columns in the same order, as a row map makes them, and no bytes among their values; none =
 * nothing is done
 * @param options.end  what follows the rows, such as `RETURNING id`; always the same for one table
 * @returns what is returned by the end
 */
export async function insertMany<T extends keyof Tables>(
  db: Db,
  table: T,
  rows: readonly object[],
  { end = '' }: { readonly end?: string } = {},
): Promise<{ readonly id: string }[]> {
  const columns = Object.keys(rows[0] ?? {});
  const returned: { readonly id: string }[] = [];
  const isPostgres = sql`${0}`.compile(db).sql === '$1';
  for (let from = 0; from < rows.length; ) {
    const size = isPostgres ? rows.length : (sizes.find((one) => one <= rows.length - from) ?? 1);
    const part = rows.slice(from, from + size);
    const values = isPostgres ? [asJson(part)] : part.flatMap((row) => Object.values(row));
    const name = isPostgres ? table : `${table} ${size}`;
    const text =
      texts.get(name) ??
      `${isPostgres ? fromJson(table, columns) : fromValues(table, { columns, size })} ${end}`;
    texts.set(name, text);
    const { rows: got } = await db.executeQuery<{ id: string }>(CompiledQuery.raw(text, values));
    returned.push(...got);
    from += size;
  }
  return returned;
}

function fromValues(
  table: string,
  { columns, size }: { readonly columns: readonly string[]; readonly size: number },
): string {
  const tuple = `(${columns.map(() => '?').join(', ')})`;
  const tuples = Array.from({ length: size }, () => tuple).join(', ');
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${tuples}`;
}

/** PostgreSQL takes twice as long to read a statement with a sign for each of a thousand values as one text with all rows. */
function fromJson(table: string, columns: readonly string[]): string {
  const names = columns.join(', ');
  return `INSERT INTO ${table} (${names}) SELECT ${names} FROM json_populate_recordset(NULL::${table}, $1::json)`;
}

/** Text as the connection sends it elsewhere: what PostgreSQL cannot hold becomes U+FFFD. */
function asJson(rows: readonly object[]): string {
  return JSON.stringify(rows, (_key, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\0', '\uFFFD').toWellFormed() : value,
  );
}
