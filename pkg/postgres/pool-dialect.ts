import { type Dialect, PostgresDialect, type PostgresPoolClient } from 'kysely';
import type { Query, Rows } from './postgres.ts';

/** A connection that was taken from the pool. */
export interface Taken {
  readonly query: Query;
  release(destroy?: boolean): void;
}

/** Makes kysely work on connections that `take` gives. It does not own the pool: destroying kysely leaves it open. */
export function poolDialect(take: () => Promise<Taken>): Dialect {
  return new PostgresDialect({
    pool: { options: {}, connect: async () => clientOver(await take()), end: async () => {} },
  });
}

function clientOver(taken: Taken): PostgresPoolClient {
  const query = async (sql: unknown, parameters: unknown): Promise<Rows> => {
    if (typeof sql !== 'string') throw new TypeError('cursors are not supported');
    return taken.query(sql, parameters as readonly unknown[]);
  };
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => taken.release(destroy),
  };
}
