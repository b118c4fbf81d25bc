import type { Clock } from '../../../pkg/clock/clock.ts';

/** A task that runs, and what made it. */
export interface RunningTask {
  readonly id: string;
  /** names; null: no trigger made it */
  readonly workflow: string | null;
  readonly trigger: string | null;
}

/** Something that began: a task, or, with null, that none runs. */
export interface TaskTime {
  readonly running: RunningTask | null;
  /** epoch ms */
  readonly at: number;
}

/** So many are remembered for who listens later. */
const kept = 1_000;

/** When an agent's tasks began and ended. Silent until the agent knows whether one runs that a former agent began. */
export class TaskTimes {
  readonly #clock: Clock;
  readonly #listeners = new Set<(running: RunningTask | null, at: number) => void>();
  #known: TaskTime[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What was said so far, oldest first. */
  known(): readonly TaskTime[] {
    return this.#known;
  }

  /**
   * Says that a task runs, or that none does. What is repeated is not told.
   * @param at  since when; epoch ms; default now
   */
  now(running: RunningTask | null, at = this.#clock.now()): void {
    const last = this.#known.at(-1);
    if (last !== undefined && last.running?.id === running?.id) return;
    this.#known = [...this.#known, { running, at }].slice(-kept);
    for (const listener of this.#listeners) listener(running, at);
  }

  /** @returns what ends it */
  listen(listener: (running: RunningTask | null, at: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
