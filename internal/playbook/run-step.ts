/** Runs one step: its attempts, and the waits between them. */
import type { Clock } from '../../pkg/clock/clock.ts';
import type { Scope } from './condition/evaluate.ts';
import { fill } from './condition/template.ts';
import type { EndedAttempt, PlaybookEvent, Step, StepEnd, StepResult, StepRunner } from './playbook.ts';
import type { OpenRun } from './run-state.ts';

/** Before the second attempt, and the longest wait before a later one; each is twice the one before; ms. */
const [firstDelayMs, longestDelayMs] = [1_000, 30_000];

/** What a step works with. */
export interface StepParts {
  readonly clock: Clock;
  readonly runner: StepRunner;
  readonly run: OpenRun;
  readonly on: (event: PlaybookEvent) => Promise<void>;
  readonly scope: Scope;
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal;
}

/**
 * Runs a step to its end. An attempt that an earlier start of the run broke off is ended and told; it does not use up a retry. Nothing
 * new begins once the signal is aborted.
 */
export async function runStep(step: Step, parts: StepParts): Promise<StepResult> {
  const { run, on, runner, signal } = parts;
  const history = run.history(step.index);
  const ended: EndedAttempt[] = [...history.ended];
  const note = async (attempt: EndedAttempt) => {
    run.append({ type: 'ended', step: step.index, ...attempt, end: recordOf(attempt.end) });
    ended.push(attempt);
    await on({ type: 'attempt-ended', step, attempt });
  };

  await on({ type: 'step-started', step });
  if (history.open !== null) {
    await runner.endLeftovers(attemptId(run, step, history.open));
    const end: StepEnd = { ...nothing, message: 'keruta itself was ended before it' };
    await note({ attempt: history.open, status: 'interrupted', end, durationMs: 0, again: true });
  }
  while (!isOver(ended)) {
    const failures = ended.filter(({ status }) => status === 'failure').length;
    const mustWait = ended.at(-1)?.status === 'failure';
    if (signal.aborted || (mustWait && !(await wait(parts, failures)))) {
      run.append({ type: 'skipped', step: step.index, reason: 'cancelled' });
      return notRun(step, ended, 'cancelled');
    }
    const attempt = ended.length + 1;
    run.append({ type: 'begun', step: step.index, attempt });
    await on({ type: 'attempt-started', step, attempt });
    await note(await runAttempt(step, parts, { attempt, failures }));
  }
  return resultOf(step, ended);
}

/** Whether no attempt follows those that ended. */
export function isOver(ended: readonly EndedAttempt[]): boolean {
  return ended.at(-1)?.again === false;
}

async function runAttempt(
  step: Step,
  parts: StepParts,
  { attempt, failures }: { readonly attempt: number; readonly failures: number },
): Promise<EndedAttempt> {
  const { clock, runner, run, scope } = parts;
  const text = (template: NonNullable<Step['workdir']>) => fill(template, scope);
  const begin = clock.monotonicMs();
  const end = await runner.run({
    attemptId: attemptId(run, step, attempt),
    command: step.command,
    shell: step.shell,
    env: Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, text(value)])),
    workdir: step.workdir === null ? '.' : text(step.workdir),
    outputs: step.outputs,
    artifacts: step.artifacts.map(text),
    timeoutMs: parts.timeoutMs,
    signal: parts.signal,
  });
  const hasFailed = end.reason !== null || end.exitCode !== 0;
  const status = end.reason === 'cancelled' ? 'cancelled' : hasFailed ? 'failure' : 'success';
  const again = status === 'failure' && failures < step.retryCount;
  return { attempt, status, end, durationMs: Math.round(clock.monotonicMs() - begin), again };
}

/** @returns false when the run was stopped meanwhile */
async function wait({ clock, signal }: StepParts, failures: number): Promise<boolean> {
  const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(20, failures - 1));
  return clock.sleep(delayMs, signal).then(
    () => true,
    () => false,
  );
}

const nothing: StepEnd = {
  exitCode: null,
  signal: null,
  reason: null,
  message: '',
  outputs: {},
  artifacts: [],
  notes: [],
};

function attemptId(run: OpenRun, step: Step, attempt: number): string {
  return `${run.id}.${step.index + 1}.${attempt}`;
}

const recordOf = (end: StepEnd) => ({
  ...end,
  outputs: { ...end.outputs },
  artifacts: [...end.artifacts],
  notes: [...end.notes],
});

/** What a step came to whose last attempt ended. */
export function resultOf(step: Step, ended: readonly EndedAttempt[]): StepResult {
  const last = ended.at(-1);
  const end = last?.end ?? nothing;
  const status = last?.status === 'interrupted' ? 'cancelled' : (last?.status ?? 'skipped');
  const how = end.signal === null ? `exit code ${end.exitCode ?? 'unknown'}` : `signal ${end.signal}`;
  return {
    index: step.index,
    name: step.name,
    status,
    reason: status === 'success' ? null : (end.reason ?? 'exit_code'),
    message: status === 'failure' && end.message === '' ? `its command ended with ${how}` : end.message,
    exitCode: end.exitCode,
    signal: end.signal,
    attempts: ended.length,
    durationMs: ended.reduce((sum, { durationMs }) => sum + durationMs, 0),
    outputs: end.outputs,
    artifacts: end.artifacts,
  };
}

/** What a step came to that did not run, or not again. @param ended  its attempts before that, if any */
export function notRun(
  step: Step,
  ended: readonly EndedAttempt[],
  reason: 'condition' | 'earlier_failure' | 'cancelled',
): StepResult {
  return { ...resultOf(step, ended), status: ended.length === 0 ? 'skipped' : 'cancelled', reason };
}
