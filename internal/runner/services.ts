/**
 * What the runner asks of others, as ports. Ours are the default (the mailbox of the run, the pool of the machine, a directory);
 * each can be a service behind a URL instead.
 *
 * Laws for every adapter: a fault of the network is repeated `retries` times with a growing pause, a refusal is not; an error names the
 * service, its address without credentials, and what was asked; a token goes out only to the service that it is for.
 */

/** Where it is known how tasks stand. A service that is away costs the task a warning, not its work. */
export interface TaskRegistry {
  /** @param status  `PROCESSING`, `COMPLETED`, `FAILED` */
  updateStatus(taskId: string, status: string): Promise<void>;
  /** @param data  JSON-safe; masked */
  addEvent(taskId: string, type: string, data: Readonly<Record<string, unknown>>): Promise<void>;
  addArtifact(taskId: string, type: string, uri: string): Promise<void>;
}

/** Hands out workplaces of another pool: clones that it made, on a disk that both see. */
export interface SlotService {
  /** @returns its id there, and where it is; absolute. @throws {UnavailableError} KERUTA_ERR_SERVICE */
  allocate(request: {
    readonly repositoryUrl: string;
    readonly requiredBy: string;
    readonly signal: AbortSignal;
  }): Promise<{
    readonly id: string;
    readonly path: string;
  }>;
  release(id: string): Promise<void>;
}

/** Keeps what a task made. */
export interface ArtifactStore {
  /**
   * @param file  absolute; a regular file
   * @returns where it is
   * @throws {UnavailableError} KERUTA_ERR_SERVICE
   */
  upload(artifact: {
    readonly taskId: string;
    readonly type: string;
    readonly name: string;
    readonly file: string;
    readonly signal: AbortSignal;
  }): Promise<string>;
}
