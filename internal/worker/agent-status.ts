import type { Clock } from '../../pkg/clock/clock.ts';
import type { EndStatus } from '../domain/task-status.ts';
import type { Backlog } from './backlog.ts';
import type { Input } from './input.ts';
import { RunnerTally } from './runner-figures.ts';
import { TaskTimes } from './watch/task-times.ts';
import type { WatchStatus } from './watch/watches.ts';

/** An idle loop turns at least every other minute, also with the API away; ms. */
const stuckAfterMs = 10 * 60_000;

/** What an agent is doing, for its local API: read by `/status` and `/metrics`, written as things happen. */
export class AgentStatus {
  /** monotonic ms */
  readonly startedAt: number;
  /** tasks, by the state they ended in */
  readonly ended: Record<EndStatus, number> = { COMPLETED: 0, FAILED: 0, CANCELLED: 0 };
  /** sum over all runs; ms */
  runMs = 0;
  /** of tasks that a runner did */
  readonly runner = new RunnerTally();
  /** the task being worked on */
  task: { readonly id: string; readonly name: string; readonly attempt: number } | null = null;
  /** the way into its input; null while no script runs */
  input: Input | null = null;
  /** how far delivery is behind; null while no script runs */
  backlog: Backlog | null = null;
  /** how many spans of traces were lost; null = no traces are sent */
  droppedSpans: (() => number) | null = null;
  /** null: the API answers; else what is wrong with it */
  apiFault: 'auth_failed' | 'unavailable' | null = null;

  /** the directories that are watched, by all agents of the process */
  watchers: () => readonly WatchStatus[] = () => [];
  /** when scripts ran */
  readonly times: TaskTimes;

  readonly #clock: Clock;
  #turnedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.times = new TaskTimes(clock);
    this.startedAt = clock.monotonicMs();
    this.#turnedAt = this.startedAt;
  }

  /** Says that the loop which takes tasks begins another turn. */
  turn(): void {
    this.#turnedAt = this.#clock.monotonicMs();
    if (this.task === null) this.times.now(null);
  }

  /** Whether the agent does its work: it has a task in hand, for however long, or its loop turned lately. */
  isAlive(): boolean {
    return this.task !== null || this.#clock.monotonicMs() - this.#turnedAt < stuckAfterMs;
  }

  /** Counts a task that came to its end. @param durationMs of its run */
  count(status: EndStatus, durationMs: number): void {
    this.ended[status]++;
    this.runMs += durationMs;
  }
}
