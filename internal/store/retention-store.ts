/** How long a value stays that is kept under a name; default: for good. */
export interface MetaLife {
  /** it goes with this task, which is there */
  readonly taskId?: string;
  /** from when on it may be forgotten; epoch ms */
  readonly forgetAt?: number;
}

/** What may be asked about what is to go. */
export interface RetentionReads {
  /**
   * Ids of tasks that ended before this time, the first of them first; but for those that have a subtask which has not ended.
   * @param before  epoch ms
   */
  endedTasks(before: number, limit: number): Promise<string[]>;
  /** The idempotency key a task was made with. */
  idempotencyKeyOf(taskId: string): Promise<string | null>;
  /** Ids of tasks whose rows are gone since before this time, and whose bytes may still be there. */
  removals(before: number, limit: number): Promise<string[]>;
}

/** What may be written about it. */
export interface RetentionWrites {
  /** Remembers that bytes of tasks are to be removed. @param taskIds  each of them new */
  insertRemovals(taskIds: readonly string[], at: number): Promise<void>;
  deleteRemovals(taskIds: readonly string[]): Promise<void>;
  /** Forgets values whose time has come. */
  forgetMeta(now: number): Promise<void>;
}
