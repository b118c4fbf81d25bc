import { isRetryable } from '../api/retryable.ts';
import type { TaskSource } from '../api/task-source.ts';
import type { DiskLook, DiskState } from './disk-watch.ts';
import { Backoff, type RetryParts } from './retry.ts';

/** What is told with the state of the disk. */
export interface DiskTellerParts extends RetryParts {
  readonly source: Pick<TaskSource, 'tellDisk'>;
  readonly floorBytes: number;
}

/**
 * Tells the server that no task is taken because of the disk, once for each time that it happens, so that people hear of it.
 * A server that gives no answer is told again; one that does not know the call is left alone.
 */
export class DiskTeller {
  readonly #parts: DiskTellerParts;
  readonly #backoff: Backoff;
  readonly #over = new AbortController();
  #told: DiskState = 'ok';
  #nextAt = Number.NEGATIVE_INFINITY;
  #telling: Promise<void> | null = null;

  constructor(parts: DiskTellerParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts, { firstMs: 2_000, capMs: 60_000 });
  }

  /** Takes a look at the disk; returns at once. */
  note(look: DiskLook): void {
    const isBad = look.state !== 'ok' && look.state !== 'unknown';
    if (!isBad) this.#told = 'ok';
    const isNews = isBad && this.#told === 'ok';
    if (!isNews || this.#telling !== null || this.#parts.clock.monotonicMs() < this.#nextAt) return;
    this.#telling = this.#tell(look).finally(() => {
      this.#telling = null;
    });
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#over.abort(new Error('the agent ends'));
    await this.#telling;
  }

  async #tell({ state, freeBytes }: DiskLook): Promise<void> {
    const { source, floorBytes, clock, log } = this.#parts;
    try {
      await source.tellDisk?.({ state, freeBytes, floorBytes }, this.#over.signal);
      this.#told = state;
      this.#backoff.reset();
    } catch (error) {
      if (this.#over.signal.aborted) return;
      if (!isRetryable(error)) this.#told = state;
      this.#nextAt = clock.monotonicMs() + this.#backoff.next(error);
      log.debug('the server could not be told of the disk', { error });
    }
  }
}
