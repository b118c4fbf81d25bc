import type { SqliteConnection } from './connection.ts';
import { DatabaseClosedError } from './errors.ts';

interface Job {
  readonly work: () => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Ended = { readonly job: Job } & ({ readonly value: unknown } | { readonly error: unknown });

/** How many transactions share one commit; more gains little, and the first would wait longer. */
const maxGroup = 50;

/**
 * Transactions that were asked for at the same time share one commit, with a savepoint each: one flush of the disk
 * serves all of them. They run one after another; a throw undoes its own only. Nobody learns how it went before the
 * commit. A lonely transaction waits for nothing but the current turn of the event loop.
 */
export class GroupCommit {
  readonly #connection: SqliteConnection;
  readonly #mapError: (error: unknown) => unknown;
  #queue: Job[] = [];
  #running = false;
  #open = true;
  #idle: (() => void)[] = [];

  constructor(connection: SqliteConnection, mapError: (error: unknown) => unknown) {
    this.#connection = connection;
    this.#mapError = mapError;
  }

  /**
   * Does some writing, all or nothing.
   * @param work awaits nothing but statements of this connection: all writers wait for it
   * @throws what `work` throws; when the commit fails, the error of the commit, and nothing was written
   */
  transact<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#open) return Promise.reject(this.#mapError(new DatabaseClosedError('the database is closed')));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
      if (this.#running) return;
      this.#running = true;
      setImmediate(() => void this.#drain());
    });
  }

  /** Takes no more, and waits for what was taken. */
  async close(): Promise<void> {
    this.#open = false;
    if (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #drain(): Promise<void> {
    const group = this.#queue.splice(0, maxGroup);
    try {
      settle(await this.#commit(group));
    } catch (error) {
      const shown = this.#mapError(error);
      for (const job of group) job.reject(shown);
    }
    // The next group waits for a turn of the event loop, so that a busy writer does not starve the rest.
    if (this.#queue.length > 0) return void setImmediate(() => void this.#drain());
    this.#running = false;
    for (const wake of this.#idle.splice(0)) wake();
  }

  async #commit(group: readonly Job[]): Promise<Ended[]> {
    const connection = this.#connection;
    connection.run('BEGIN IMMEDIATE');
    const open = connection.guard;
    connection.guard = () => {};
    try {
      const ended: Ended[] = [];
      for (const job of group) ended.push(await this.#runOne(job, group.length === 1));
      connection.guard = open;
      if (connection.inTransaction) connection.run('COMMIT');
      return ended;
    } finally {
      connection.guard = open;
      if (connection.inTransaction) connection.run('ROLLBACK');
    }
  }

  async #runOne(job: Job, alone: boolean): Promise<Ended> {
    const connection = this.#connection;
    if (!alone) connection.run('SAVEPOINT one');
    try {
      const value = await job.work();
      if (!alone) connection.run('RELEASE one');
      return { job, value };
    } catch (error) {
      // A full disk or an I/O error may have undone the whole group: then nobody's work is there.
      if (!connection.inTransaction) throw error;
      connection.run(alone ? 'ROLLBACK' : 'ROLLBACK TO one');
      if (!alone) connection.run('RELEASE one');
      return { job, error };
    }
  }
}

function settle(ended: readonly Ended[]): void {
  for (const one of ended) {
    if ('error' in one) one.job.reject(one.error);
    else one.job.resolve(one.value);
  }
}
