/** When tasks of a trigger ran: what changed meanwhile is taken for their work. */

/** One run; epoch ms. */
export interface OwnRun {
  readonly taskId: string;
  readonly from: number;
  /** null: it goes on */
  readonly to: number | null;
}

/** A time when something changed, or between which; epoch ms. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The clock of file times lags behind the clock of programs, by one tick of the kernel at most; ms. */
const tickMs = 10;
/** A run that ended so long ago has nothing to do with what changes now: longer than the longest settle time; ms. */
const keptMs = 2 * 3_600_000;

/** Says that a task of the trigger runs, or, with null, none. @returns the runs as they are then, oldest first */
export function withRunning(runs: readonly OwnRun[], taskId: string | null, now: number): readonly OwnRun[] {
  const last = runs.at(-1);
  const isOpen = last !== undefined && last.to === null;
  if (isOpen ? last.taskId === taskId : taskId === null) return runs;
  const closed = runs.map((run) => ({ ...run, to: run.to ?? now })).filter(({ to }) => to > now - keptMs);
  return taskId === null ? closed : [...closed, { taskId, from: now, to: null }];
}

/** @returns the id of the task that ran then; null when none of the trigger did */
export function ranAt(runs: readonly OwnRun[], { from, to }: Span): string | null {
  for (const run of runs.toReversed()) {
    // times of runs are whole milliseconds, those of files are finer: a run lasted until the end of its last one
    if (run.to !== null && run.to + 1 <= from) return null;
    if (run.from - tickMs <= to) return run.taskId;
  }
  return null;
}
