import type { TaskWire } from '../api/shapes.ts';
import type { FinishReport } from '../api/task-source.ts';
import type { Declared, Outcome } from '../domain/outcome.ts';
import type { Usage } from '../domain/task.ts';
import type { AutoFixOptions } from './agent-options.ts';

/** One stream's end. */
export interface StreamEnd {
  readonly size: number;
  readonly crc32: number;
  readonly lostBytes: number;
}

/** Everything that a report is made of. */
export interface ReportSource {
  readonly outcome: Outcome;
  readonly declared: Declared | null;
  /** epoch ms */
  readonly startedAt: number;
  /** epoch ms */
  readonly exitedAt: number;
  readonly controlSeq: number;
  readonly streams: { readonly stdout: StreamEnd; readonly stderr: StreamEnd };
  readonly artifacts: readonly { readonly path: string; readonly sha256: string }[];
  readonly usage: Usage | null;
  /** null: none is wanted */
  readonly fix: FinishReport['fix'];
}

/** Makes the last word about an attempt. */
export function reportOf(source: ReportSource): FinishReport {
  const { outcome } = source;
  return {
    exitCode: outcome.exitCode,
    signal: outcome.signal,
    reason: outcome.reason,
    startedAt: new Date(Math.min(source.startedAt, source.exitedAt)).toISOString(),
    exitedAt: new Date(source.exitedAt).toISOString(),
    message: outcome.message,
    errorCode: outcome.errorCode,
    controlSeq: source.controlSeq,
    streams: source.streams,
    artifacts: [...source.artifacts],
    usage: source.usage,
    fix: source.fix ?? null,
    declared: source.declared,
  };
}

/** Reasons of failures that a script can be blamed for. */
const scriptsFault: readonly Outcome['reason'][] = [null, 'timeout', 'no_output_timeout', 'oom'];

/**
 * Whether a failure asks for a fix task: what the script said decides, then the task, then the agent's setting. Never
 * when the task forbids it, for a cancelled task, nor for what is no fault of the script. Limits (three per origin) are
 * the server's.
 */
export function wantsFix(
  task: Pick<TaskWire, 'autoFix'>,
  outcome: Outcome,
  asked: { readonly declared: Declared | null; readonly autoFix: AutoFixOptions },
): boolean {
  if (outcome.status !== 'FAILED' || !scriptsFault.includes(outcome.reason)) return false;
  if (task.autoFix === false) return false;
  return asked.declared?.autoFix ?? task.autoFix ?? asked.autoFix.enabled;
}
