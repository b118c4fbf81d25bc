/** What is told of a playbook inside a task: words of the task's mailbox, so that steps are live where the task is followed. Pure. */
import { formatDuration } from '../domain/duration.ts';
import type { EndedAttempt, PlaybookEvent, Step, StepResult } from './playbook.ts';

/** The playbook that is told about. */
export interface ToldPlaybook {
  readonly name: string;
  /** how many steps it has */
  readonly count: number;
}

/**
 * The words of one event, each a record of the mailbox: the start of a step is progress, its end a line of the log, and so is an
 * attempt that is not the last one.
 */
export function eventWords(event: PlaybookEvent, told: ToldPlaybook): readonly (readonly string[])[] {
  const place = `step ${event.step.index + 1} of ${told.count}`;
  switch (event.type) {
    case 'step-started': {
      const percent = Math.floor((event.step.index * 100) / told.count);
      return [['progress', String(percent), '--message', `${told.name}: ${place}, ${event.step.name}`]];
    }
    case 'attempt-started':
      return event.attempt === 1
        ? []
        : [logWords('INFO', `${place}, ${event.step.name}: attempt ${event.attempt}`)];
    case 'attempt-ended': {
      if (!event.attempt.again) return [];
      return [logWords('WARN', `${place}, ${event.step.name}: ${attemptText(event.attempt)}`)];
    }
    case 'step-ended': {
      if (event.before) return [];
      const level = { failure: 'ERROR', cancelled: 'WARN', success: 'INFO', skipped: 'INFO' }[
        event.result.status
      ];
      return [logWords(level, `${place}, ${event.step.name}: ${outcomeText(event.result)}`)];
    }
  }
}

/** How a step ended, in words: `success, 1.2s, 2 attempts`. */
export function outcomeText(result: StepResult): string {
  const { status, reason, message, attempts, durationMs } = result;
  if (status === 'skipped') return `skipped, ${reason === null ? '' : skipReasons[reason]}`;
  const why = status === 'failure' ? `: ${message}` : '';
  const count = attempts > 1 ? `, ${attempts} attempts` : '';
  return `${status}, ${shortDuration(durationMs)}${count}${why}`;
}

/** How an attempt ended that is not the last one: `attempt 1: failure, exit code 3`. */
export function attemptText({ attempt, status, end }: EndedAttempt): string {
  const how = end.signal === null ? `exit code ${end.exitCode ?? 'unknown'}` : `signal ${end.signal}`;
  return `attempt ${attempt}: ${status}, ${end.message === '' ? how : end.message}`;
}

const skipReasons: Readonly<Record<NonNullable<StepResult['reason']>, string>> = {
  condition: 'since its condition is not met',
  earlier_failure: 'since a step before it failed',
  cancelled: 'since the run was stopped',
  timeout: '',
  exit_code: '',
  fault: '',
};

/** `85ms`, `1.2s`, `3m20s` */
export function shortDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)}s` : formatDuration(Math.round(ms / 1000) * 1000);
}

/** A step as people name it: `[2/5] Build`. */
export function stepTitle(step: Pick<Step, 'index' | 'name'>, count: number): string {
  return `[${step.index + 1}/${count}] ${step.name}`;
}

function logWords(level: string, message: string): readonly string[] {
  // a name may begin with dashes
  return ['log', level, '--', message];
}
