/** What functions are given when they run, and what is known of them. */

/** What a function gets to know of its run; always the last argument. */
export interface RunContext {
  /** name of the function */
  readonly name: string;
  /** what started it */
  readonly source: Source;
  /** the instant that it was due, or that the event came */
  readonly at: Date;
  /** 1, 2, …: which run of this event it is */
  readonly attempt: number;
  /** aborted when the run has to end */
  readonly signal: AbortSignal;
  /** given by whoever fired it by hand; else empty */
  readonly parameters: Readonly<Record<string, unknown>>;
  /**
   * Name of the event: of a webhook as the sender calls it, such as `push`, in `webhook.serve` with the address before it
   * (`github.push`); of a file `create`, `modify`, `rename` or `delete`; else `''`.
   */
  readonly event: string;
}

/** What can start a function; mail and the end of another task only one that is deployed. */
export type Source = 'cron' | 'interval' | 'webhook' | 'file' | 'email' | 'task-end' | 'manual';

/** A function that runs at its time. */
export type TimedFunction<R = unknown> = (context: RunContext) => R | Promise<R>;
/** A function that an event of a webhook starts. */
export type EventFunction<P = unknown, R = unknown> = (payload: P, context: RunContext) => R | Promise<R>;
/** A function that a file starts; the path is absolute. */
export type FileFunction<R = unknown> = (filePath: string, context: RunContext) => R | Promise<R>;

/** A trigger as it is written in a workflow: `type`, and the fields of that type. */
export type WrittenTrigger = { readonly type: string } & Readonly<Record<string, unknown>>;

/** How a failed run is repeated. */
export interface RetryOptions {
  /** runs in all, the first included; 1 to 100 */
  readonly maxAttempts: number;
  /** before each further run; seconds, default 60 */
  readonly backoffSeconds?: number;
  /** default `fixed`; `exponential` doubles it every time, up to an hour */
  readonly backoff?: 'fixed' | 'exponential';
  /** names of errors that are never worth another run, such as `TypeError`; default: none */
  readonly neverOn?: readonly string[];
}

/** What became of one run of a function, its repetitions included. */
export interface RunRecord {
  readonly name: string;
  readonly source: Source;
  /** epoch ms */
  readonly dueAt: number;
  /** epoch ms */
  readonly startedAt: number;
  /** how long it took; ms */
  readonly durationMs: number;
  readonly status: 'completed' | 'failed' | 'skipped';
  /** how many times it was run */
  readonly attempts: number;
  /** what it returned; null unless completed */
  readonly result: unknown;
  /** message of the last error, or why it was skipped; null when completed */
  readonly error: string | null;
  /** name of the last error, such as `TypeError`; null unless failed */
  readonly errorName: string | null;
}

/** Time as a thing that is handed in, for tests. */
export interface Time {
  /** epoch ms */
  now(): number;
  /** waits; rejects when the signal is aborted */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
