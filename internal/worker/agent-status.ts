import type { Clock } from '../../pkg/clock/clock.ts';
import type { EndStatus } from '../domain/task-status.ts';
import type { Input } from './input.ts';

/** States in which a task is counted. */
export const endedStatuses: readonly EndStatus[] = ['COMPLETED', 'FAILED', 'CANCELLED'];

/** What an agent is doing, for its local API: read by `/status` and `/metrics`, written as things happen. */
export class AgentStatus {
  /** monotonic ms */
  readonly startedAt: number;
  readonly ended: Record<EndStatus, number> = { COMPLETED: 0, FAILED: 0, CANCELLED: 0 };
  /** sum over all runs; ms */
  runMs = 0;
  /** the task being worked on */
  task: { readonly id: string; readonly name: string; readonly attempt: number } | null = null;
  /** the way into its input; null while no script runs */
  input: Input | null = null;
  /** null: the API answers; else what is wrong with it */
  apiFault: 'auth_failed' | 'unavailable' | null = null;

  constructor(clock: Clock) {
    this.startedAt = clock.monotonicMs();
  }

  /** Counts a task that came to its end. @param durationMs of its run */
  count(status: EndStatus, durationMs: number): void {
    this.ended[status]++;
    this.runMs += durationMs;
  }
}
