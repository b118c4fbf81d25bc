import type { RunnerParts } from './run-parts.ts';
import type { RunnerError, RunnerResult } from './runner.ts';
import type { TaskRun } from './task-run.ts';

/** Puts together what a task came to. @param end.now  epoch ms */
export function resultOf(
  { task, journal }: TaskRun,
  end: {
    readonly error: RunnerError | null;
    readonly now: number;
    readonly usage: ReturnType<RunnerParts['usage']>;
  },
): RunnerResult {
  const { state } = journal;
  const durationMs = Math.max(0, end.now - state.beganAt);
  const { usage } = state;
  const { memoryMb, cpuSeconds } = end.usage;
  return {
    success: end.error === null,
    error: end.error,
    taskId: task.id,
    phases: state.phases,
    artifacts: state.artifacts,
    branch: state.prepared?.branch ?? null,
    commit: state.committed?.commit ?? null,
    isPushed: state.pushed !== null,
    pullRequestUrl: state.pushed?.url ?? null,
    changes: state.committed?.changes ?? null,
    tests: state.tested,
    usage:
      usage === null
        ? null
        : {
            ...{ model: usage.model, calls: usage.calls, costMicros: usage.costMicros },
            ...{ tokensIn: usage.tokensIn, tokensOut: usage.tokensOut },
          },
    durationMs,
    memoryMb,
    cpuPercent:
      cpuSeconds === null || durationMs === 0 ? null : Math.round((cpuSeconds * 100_000) / durationMs),
  };
}

/** What a task came to whose context cannot be read. */
export function unreadTask(message: string): RunnerResult {
  const [first = '', ...details] = message.split('\n');
  return {
    ...{ success: false, error: { kind: 'TaskContextValidationError', message: first, details } },
    ...{ taskId: '', phases: [], artifacts: [], branch: null, commit: null, isPushed: false },
    ...{ pullRequestUrl: null, changes: null, tests: null, usage: null },
    ...{ durationMs: 0, memoryMb: null, cpuPercent: null },
  };
}
