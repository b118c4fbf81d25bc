import { GitError } from '../../pkg/git/git-error.ts';
import { KerutaError } from '../domain/errors.ts';
import { wrapGitError } from '../domain/git-faults.ts';
import type { RunnerConfig, RunnerError, RunnerErrorKind, RunnerPhase } from './runner.ts';

/** Most lines of details. */
const maxDetails = 50;

/** A phase that cannot come to its end. Its texts are masked where they are told. */
export class PhaseFault extends Error {
  readonly kind: RunnerErrorKind;
  readonly details: readonly string[];

  constructor(kind: RunnerErrorKind, message: string, details: readonly string[] = []) {
    super(message);
    this.name = 'PhaseFault';
    this.kind = kind;
    this.details = details.slice(0, maxDetails);
  }
}

/** What a fault is called that a phase did not name itself. */
export const kindOfPhase: Readonly<Record<RunnerPhase, RunnerErrorKind>> = {
  prepare: 'WorkspacePreparationError',
  implement: 'ImplementationError',
  test: 'TestExecutionError',
  commit: 'ImplementationError',
  push: 'PushError',
  report: 'ArtifactUploadError',
};

/**
 * Says what went wrong in a phase.
 * @param stopped  why the runner was stopped, when it was: that is what went wrong then, whatever came of it
 */
export function errorOf(
  error: unknown,
  { phase, stopped }: { readonly phase: RunnerPhase; readonly stopped: RunnerError | null },
): RunnerError {
  if (stopped !== null) return stopped;
  if (error instanceof PhaseFault) {
    const { kind, message, details } = error;
    return { kind, message, details };
  }
  const known = error instanceof GitError ? wrapGitError(error) : error;
  const kind = known instanceof KerutaError ? kindOfPhase[phase] : 'RunnerError';
  return { kind, message: known instanceof Error ? known.message : String(known), details: [] };
}

/** Why a runner was stopped, as what went wrong; null: it was not. @param signals.timeUp  aborted: the time of the task is up */
export function stopFault(
  signals: { readonly timeUp: AbortSignal; readonly stop: AbortSignal },
  { timeoutMs }: Pick<RunnerConfig, 'timeoutMs'>,
): RunnerError | null {
  const message = `The task was not done within ${Math.round(timeoutMs / 1000)} s. Raise default_timeout_seconds, or ask for less.`;
  if (signals.timeUp.aborted) return { kind: 'TimeoutError', message, details: [] };
  return signals.stop.aborted ? { kind: 'RunnerError', message: 'The task was stopped.', details: [] } : null;
}
