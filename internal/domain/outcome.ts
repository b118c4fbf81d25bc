import type { EndStatus } from './task-status.ts';

/** Why a run ended, when it was not by itself. A closed list: people match on these. */
export const endReasons = [
  /** a person or a client asked for it */
  'cancel',
  /** it spent what its policy lets a run spend, or what was left of the day */
  'cost_limit',
  /** the task's time was up */
  'timeout',
  /** the task was silent for longer than its no-output timeout */
  'no_output_timeout',
  /** the agent was told to stop and not to wait */
  'agent_stop',
  /** the agent died and could not find the run again */
  'agent_lost',
  /** the shim that records the run was killed, so the true end is not known */
  'shim_lost',
  /** the pod that it ran in was deleted, or went with its node */
  'pod_lost',
  /** the pod that it ran in was evicted: its node was short of something, or was emptied */
  'pod_evicted',
  /** the agent did not renew its lease */
  'lost_lease',
  /** the kernel took a process of the run for want of memory */
  'oom',
  /** there was no space for its output */
  'disk',
  /** the agent may not or cannot run it: repository, interpreter, policy */
  'refused',
  /** the repository could not be checked out */
  'checkout',
] as const;

/** @see endReasons */
export type EndReason = (typeof endReasons)[number];

/** How a process ended: an exit code, or the signal that killed it; both null when it is not known. */
export interface ProcessEnd {
  /** 0-255; null when a signal ended it or when it is not known */
  readonly exitCode: number | null;
  /** name without spaces such as `SIGKILL`; null when it exited by itself */
  readonly signal: string | null;
}

/** What the script itself said by `keruta success` or `keruta fail`. */
export interface Declared {
  readonly status: 'COMPLETED' | 'FAILED';
  readonly message: string;
  /** `''` when none */
  readonly errorCode: string;
  /** what `--auto-fix` or `--no-auto-fix` said; null when neither */
  readonly autoFix: boolean | null;
  /** least time before the next run, which `--retry-after` said; ms; absent: nothing was said */
  readonly retryAfterMs?: number;
}

/** One finished run, judged. */
export interface Outcome extends ProcessEnd {
  readonly status: EndStatus;
  readonly reason: EndReason | null;
  readonly message: string;
  readonly errorCode: string;
}

/** What exit codes of a shell mean. @see bash(1), EXIT STATUS */
const hints: Readonly<Record<number, string>> = {
  126: ': a command was found and could not be executed; its output names it',
  127: ': a command was not found; its output names it',
};

/** What is said of a run that cannot tell how it ended, unless it had a last word of its own. */
const unknownEnds: Partial<Record<EndReason, string>> = {
  agent_lost:
    'the agent died, and the next one did not find the run again: how the script ended is not known',
  shim_lost: 'what watched over the run was killed, and the run with it: how the script ended is not known',
};

/**
 * Judges a run. `fail` is a floor: a later exit 0 stays FAILED. `success` followed by a non-zero exit is FAILED.
 * Neither: the exit code decides. A run that somebody cancelled is CANCELLED whatever it said, unless it had already
 * ended by itself (then there is no reason).
 *
 * @param end      how the process ended
 * @param reason   why it was ended from outside; null when it ended by itself
 * @param declared the last word of the script about itself, failure first; null when it said nothing
 */
export function judge(end: ProcessEnd, reason: EndReason | null, declared: Declared | null): Outcome {
  const said = { message: declared?.message ?? '', errorCode: declared?.errorCode ?? '' };
  if (reason === 'cancel' || reason === 'cost_limit') return { ...end, reason, status: 'CANCELLED', ...said };
  if (reason !== null)
    return {
      ...end,
      reason,
      status: 'FAILED',
      message: said.message || (unknownEnds[reason] ?? ''),
      errorCode: said.errorCode || reason.toUpperCase(),
    };
  if (declared?.status === 'FAILED') return { ...end, reason, status: 'FAILED', ...said };
  if (end.exitCode === 0) return { ...end, reason, status: 'COMPLETED', ...said };
  const hint = (end.exitCode !== null && hints[end.exitCode]) || '';
  const how = end.signal === null ? `exit code ${end.exitCode ?? 'unknown'}` : `signal ${end.signal}`;
  return {
    ...end,
    reason,
    status: 'FAILED',
    message:
      (declared ? `declared a success, then ended with ${how}` : `the script ended with ${how}`) + hint,
    errorCode: 'SCRIPT_EXECUTION_ERROR',
  };
}
