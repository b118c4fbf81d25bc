/** What is told to the place that an event came from about the task that it fired. Times are epoch ms. */

/** How a task stands, in the words of commit statuses. */
export type ReportState = 'pending' | 'success' | 'failure' | 'error';

/** Where it is told. */
export interface ReportTarget {
  readonly repository: { readonly fullName: string; readonly id: number | null };
  /** the commit whose status is set; null = none */
  readonly sha: string | null;
  /** the issue or pull request that gets a comment; null = none */
  readonly thread: { readonly number: number; readonly isPull: boolean } | null;
  /** name of the status: the last one of a name counts */
  readonly context: string;
  /** null = no link */
  readonly targetUrl: string | null;
}

/** What is to be told. */
export interface ReportWish {
  readonly state: ReportState;
  /** one line */
  readonly description: string;
  /** null = nothing is written */
  readonly comment: string | null;
}

/**
 * The report of one task: what is wished last is what counts, and it is told once. A server that tells it takes it for a
 * while, so that no other does.
 */
export interface Report {
  readonly taskId: string;
  readonly target: ReportTarget;
  /** repository, commit and context: of several tasks the newest tells their status */
  readonly lane: string;
  readonly wish: ReportWish;
  /** 1, 2, …: grows with every wish */
  readonly version: number;
  /** how often this wish was begun to be told */
  readonly tries: number;
  /** when it is to be told; null: it was, or nobody tries any more */
  readonly dueAt: number | null;
  /** until when a server has it; 0 = none has */
  readonly takenUntil: number;
  /** why it could not be told; null = it could, or nobody tried */
  readonly error: string | null;
  readonly createdAt: number;
  /** when the wish was made */
  readonly wishedAt: number;
}
