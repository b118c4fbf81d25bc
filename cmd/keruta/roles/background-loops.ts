import type { Log } from '../../../pkg/log/log.ts';

/** What a server does beside its requests, in loops that are stopped together. */
export class BackgroundLoops {
  /** what ended by a fault: the server goes on without it, and is not healthy */
  readonly broken: string[] = [];
  readonly #stopping = new AbortController();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** aborted when they are to stop */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Tells when one ends by a fault. @param what  names it @returns stops them all, and waits for this one */
  keep(what: string, ended: Promise<void>): () => Promise<void> {
    const told = ended.catch((error: unknown) => {
      this.broken.push(`${what} ended`);
      this.#log.error(`${what} ended`, { error });
    });
    return () => {
      this.#stopping.abort();
      return told;
    };
  }
}
