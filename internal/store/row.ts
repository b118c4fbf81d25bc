/**
 * Rows of tables, made from the nouns of the domain: one column per field, camelCase names in snake_case, so that both
 * databases hold the same thing and nobody keeps two lists.
 */

/** How a field rests in its column: as it is; as JSON text; a boolean as 0 or 1. null stays null. */
export type Rest = 'plain' | 'json' | 'flag';

/** `sessionId` → `session_id`. */
export type Snake<S extends string> = S extends `${infer Head}${infer Tail}`
  ? Head extends Lowercase<Head>
    ? `${Head}${Snake<Tail>}`
    : `_${Lowercase<Head>}${Snake<Tail>}`
  : S;

type Null<V> = null extends V ? null : never;

/** The columns of a noun. */
export type Row<Noun, Rests> = {
  -readonly [F in keyof Noun & keyof Rests & string as Snake<F>]: Rests[F] extends 'json'
    ? string | Null<Noun[F]>
    : Rests[F] extends 'flag'
      ? number | Null<Noun[F]>
      : Noun[F];
};

/** Turns a noun into its row and back. */
export interface RowMap<Noun, R> {
  encode(noun: Noun): R;
  /** Columns that are not of the noun are left out. */
  decode(row: R): Noun;
}

/** The row type of a map. */
export type RowOf<M> = M extends RowMap<infer _Noun, infer R> ? R : never;

/**
 * Makes the map of a noun from a table that says how each of its fields rests.
 * (Two calls, because the noun is named and the table is inferred.)
 */
export function rowMap<Noun>() {
  return <const Rests extends { readonly [F in keyof Noun]-?: Rest }>(
    rests: Rests,
  ): RowMap<Noun, Row<Noun, Rests>> => {
    const columns = Object.entries(rests as Record<string, Rest>).map(
      ([field, rest]) => ({ field, column: snake(field), rest }) as const,
    );
    return {
      encode: (noun) => {
        const row: Record<string, unknown> = {};
        for (const { field, column, rest } of columns)
          row[column] = encodeValue(rest, (noun as Record<string, unknown>)[field]);
        return row as Row<Noun, Rests>;
      },
      decode: (row) => {
        const noun: Record<string, unknown> = {};
        for (const { field, column, rest } of columns)
          noun[field] = decodeValue(rest, (row as Record<string, unknown>)[column]);
        return noun as Noun;
      },
    };
  };
}

function snake(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function encodeValue(rest: Rest, value: unknown): unknown {
  if (rest === 'plain' || value === null) return value;
  return rest === 'json' ? JSON.stringify(value) : Number(value);
}

function decodeValue(rest: Rest, value: unknown): unknown {
  if (rest === 'plain' || value === null) return value;
  return rest === 'json' ? JSON.parse(value as string) : value === 1;
}
