/**
 * Where a whole runner works that is not this process: in a container, or in a job of a cluster. What runs there is the very same program
 * with the very same task, and a configuration whose `execution_mode` is `local-process`.
 *
 * Laws for every adapter: context, configuration and environment are handed in as files, never in arguments nor in settings that others
 * may read; what is printed there is handed on as it comes; when `run` has ended, in whatever way, nothing that it made is alive; when
 * this process is killed a second start goes on with what was done: the runner there is killed too, or taken up.
 */

/** One runner that shall work elsewhere. */
export interface RunnerJob {
  /** of the task: for names */
  readonly id: string;
  /** private; absolute. What the runner writes down is put here, `result.json` among it, and a second start finds it again */
  readonly directory: string;
  /** absolute; what was made is put here */
  readonly artifactsDirectory: string;
  /** of the run that all this is a part of, which has the mailbox; absolute; null: of none */
  readonly runDirectory: string | null;
  /** more that it has to write to, at the same place there; absolute */
  readonly shared: readonly string[];
  /** more that it has to read, at the same place there; absolute; must exist */
  readonly readable: readonly string[];
  /** the value of the file of the task */
  readonly context: unknown;
  /** the value of the file of the configuration */
  readonly config: unknown;
  /** what it gets of the environment besides what the place there has itself */
  readonly env: Readonly<Record<string, string>>;
  /** more arguments of `keruta runner run` */
  readonly words: readonly string[];
  /** what the run masks, besides what stands in `env` */
  readonly masked: readonly string[];
  /** from when on it may be ended by force, from its beginning; ms */
  readonly timeoutMs: number;
  readonly limits: { readonly memoryMb: number | null; readonly cpuPercent: number | null };
  /** gets what it prints; nothing more is read until it resolves */
  readonly output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>;
  /** aborted: it is asked to end, and ended by force when it takes too long */
  readonly signal: AbortSignal;
}

/** How it ended. */
export interface RunnerEnd {
  /** of the runner; 128 + number when a signal ended it */
  readonly exitCode: number;
  /** whether the system ended it, or something that it had started, for want of memory */
  readonly wasOutOfMemory: boolean;
}

/** A place for runners. */
export interface Elsewhere {
  /** for people: `a container of the image x` */
  readonly name: string;
  /** how long one may take to begin; ms */
  readonly startTimeoutMs: number;
  /**
   * Runs one to its end.
   * @throws {KerutaError} it could not be started, or its end cannot be known; {@link PlaceLost} once it had begun
   */
  run(job: RunnerJob): Promise<RunnerEnd>;
}

/** The place went away while the runner worked in it. Its message says what to do. */
export class PlaceLost extends Error {}
