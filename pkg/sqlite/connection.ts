import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';

interface Prepared {
  readonly statement: StatementSync;
  /** whether it gives rows: SELECT, RETURNING, some PRAGMAs */
  readonly gives: boolean;
}

/** How many prepared statements a connection keeps; more than the queries of a program, except those with lists. */
const maxPrepared = 400;
/** How long a statement waits for a lock that a checkpoint or a reader holds; ms. */
const busyTimeoutMs = 5_000;

/** What the caller makes of an error before it is thrown on. */
export type MapError = (error: unknown) => unknown;

/**
 * One connection to one database file. Statements are prepared once and kept.
 * U+0000 in text is written as U+FFFD, because SQLite's own text functions stop at it.
 */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #mapError: MapError;
  readonly #prepared = new Map<string, Prepared>();
  /** Asked before every statement that comes through kysely; throws when it may not run now. */
  guard: () => void = () => {};

  /** @param options.mapError applied to every error of a statement that comes through kysely */
  constructor(options: { readonly file: string; readonly readOnly: boolean; readonly mapError: MapError }) {
    this.#mapError = options.mapError;
    this.#database = new DatabaseSync(options.file, {
      readOnly: options.readOnly,
      timeout: busyTimeoutMs,
      enableForeignKeyConstraints: true,
    });
  }

  /** Whether a transaction is open; SQLite itself may have ended it after a full disk or an I/O error. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Runs statements that give nothing back; errors come as SQLite made them. */
  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** Runs one statement; errors come as SQLite made them. */
  run(sql: string, parameters: readonly unknown[] = []): QueryResult<unknown> {
    const { statement, gives } = this.#prepare(sql);
    const values = parameters.map(toInput);
    if (gives) return { rows: statement.all(...values) };
    const { changes } = statement.run(...values);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.guard();
    try {
      return this.run(query.sql, query.parameters) as QueryResult<R>;
    } catch (error) {
      throw this.#mapError(error);
    }
  }

  /** All rows in one piece: lists here are bounded by their callers. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  /** Closes the connection; harmless when it is closed. */
  close(): void {
    this.#prepared.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const oldest = this.#prepared.keys().next();
    if (this.#prepared.size >= maxPrepared && !oldest.done) this.#prepared.delete(oldest.value);
    const statement = this.#database.prepare(sql);
    const made = { statement, gives: statement.columns().length > 0 };
    this.#prepared.set(sql, made);
    return made;
  }
}

function toInput(value: unknown): SQLInputValue {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return (value ?? null) as SQLInputValue;
}
