import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import { PostgresConnectionError, postgresFaultOf } from '../../pkg/postgres/errors.ts';
import { openPostgres, type Postgres, type Query } from '../../pkg/postgres/postgres.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { AppendResult, BlobKey, BlobStore } from './blob.ts';
import { inChunks, maxChunkBytes } from './chunks.ts';
import { checkKey, checkPrefix } from './keys.ts';

/** What it takes to keep bytes in PostgreSQL. */
export interface PostgresBlobStoreOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** where the store made the table `blob_chunks`; default `keruta` */
  readonly schema?: string;
}

/**
 * Keeps blobs as rows of at most 1 MiB. The connections are its own, so that slow uploads do not take those of the
 * store, which must have been opened before: it makes the table.
 */
export async function openPostgresBlobStore(options: PostgresBlobStoreOptions): Promise<BlobStore> {
  const { url, clock, log, schema = 'keruta' } = options;
  const onFault = (error: unknown) => log.warn('a connection to the database broke', { error });
  const postgres = await openPostgres({ url, schema, clock, mapError, onFault });
  return new PostgresBlobStore(postgres);
}

class PostgresBlobStore implements BlobStore {
  readonly #postgres: Postgres;

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
  }

  async size(key: BlobKey): Promise<number> {
    return endOf(this.#postgres.query, checkKey(key));
  }

  /** The first chunk is gathered before a connection is taken: most appends are then one short transaction. */
  async append(
    key: BlobKey,
    offset: number,
    bytes: AsyncIterable<Uint8Array> | Uint8Array,
  ): Promise<AppendResult> {
    const size = await this.size(key);
    if (size !== offset) return { ok: false, size };
    const chunks = inChunks(bytes)[Symbol.asyncIterator]();
    let chunk = await chunks.next();
    if (chunk.done) return { ok: true, size };
    try {
      return await this.#postgres.transaction(async (query) => {
        await query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`blob ${key}`]);
        let end = await endOf(query, key);
        if (end !== offset) return { ok: false, size: end };
        for (; !chunk.done; chunk = await chunks.next()) {
          const values = [key, end, chunk.value.length, chunk.value];
          await query('INSERT INTO blob_chunks (key, start, size, bytes) VALUES ($1, $2, $3, $4)', values);
          end += chunk.value.length;
        }
        return { ok: true, size: end };
      });
    } finally {
      await chunks.return?.(undefined);
    }
  }

  async truncate(key: BlobKey, size: number): Promise<void> {
    checkKey(key);
    await this.#postgres.transaction(async (query) => {
      await query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`blob ${key}`]);
      await query('DELETE FROM blob_chunks WHERE key = $1 AND start >= $2', [key, size]);
      await query(
        `UPDATE blob_chunks SET bytes = substring(bytes FROM 1 FOR ($2::bigint - start)::int), size = $2::bigint - start
          WHERE key = $1 AND start < $2::bigint AND start + size > $2::bigint`,
        [key, size],
      );
    });
  }

  /** One statement per MiB: chunks are at most that long, so what holds `at` begins less than that before it. */
  async *read(key: BlobKey, from: number, to?: number): AsyncIterable<Uint8Array> {
    const end = Math.min(to ?? Number.MAX_SAFE_INTEGER, await this.size(key));
    let at = from;
    while (at < end) {
      const { rows } = await this.#postgres.query<{ start: number; bytes: Buffer }>(
        `SELECT start, bytes FROM blob_chunks
          WHERE key = $1 AND start > $2::bigint - $3::bigint AND start < $2::bigint + $3::bigint AND start + size > $2::bigint
          ORDER BY start`,
        [key, at, maxChunkBytes],
      );
      if (rows.length === 0) return;
      for (const { start, bytes } of rows) {
        const part = bytes.subarray(at - start, Math.max(0, end - start));
        if (start > at || part.length === 0) return;
        at += part.length;
        yield part;
      }
    }
  }

  async delete(key: BlobKey): Promise<void> {
    await this.#postgres.query('DELETE FROM blob_chunks WHERE key = $1', [checkKey(key)]);
  }

  /** Keys below a prefix are a range: in byte order `0` comes right after `/`. */
  async deleteAll(prefix: BlobKey): Promise<void> {
    const below = checkPrefix(prefix);
    await this.#postgres.query('DELETE FROM blob_chunks WHERE key = $1 OR (key >= $2 AND key < $3)', [
      below,
      `${below}/`,
      `${below}0`,
    ]);
  }

  close(): Promise<void> {
    return this.#postgres.close();
  }
}

async function endOf(query: Query, key: BlobKey): Promise<number> {
  const { rows } = await query<{ size: number }>(
    'SELECT start + size AS size FROM blob_chunks WHERE key = $1 ORDER BY start DESC LIMIT 1',
    [key],
  );
  return rows[0]?.size ?? 0;
}

function mapError(error: unknown): unknown {
  const code = postgresFaultOf(error)?.code;
  if (code === undefined && !(error instanceof PostgresConnectionError)) return error;
  if (code === '53100')
    return new UnavailableError(
      'KERUTA_ERR_DISK_FULL',
      'no space is left at the database: free some, then try again',
      { cause: error },
    );
  const finding = error instanceof Error ? error.message : String(error);
  return new UnavailableError(
    'KERUTA_ERR_STORE_UNAVAILABLE',
    `the database cannot keep or give bytes now (${finding}): see that it runs and can be reached`,
    { cause: error },
  );
}
