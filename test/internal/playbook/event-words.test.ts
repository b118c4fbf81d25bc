import { describe, expect, test } from 'vitest';
import { eventWords, outcomeText, shortDuration } from '../../../internal/playbook/event-words.ts';
import type { PlaybookEvent, Step, StepResult } from '../../../internal/playbook/playbook.ts';
import { parseRequest } from '../../../internal/worker/mailbox-words.ts';
import { ended } from './scripted-runner.ts';

const step = { index: 1, name: '--Build' } as Step;
const result: StepResult = {
  index: 1,
  name: '--Build',
  status: 'success',
  reason: null,
  message: '',
  exitCode: 0,
  signal: null,
  attempts: 1,
  durationMs: 1234,
  outputs: {},
  artifacts: [],
};
const said = (event: PlaybookEvent) => eventWords(event, { name: 'ci', count: 4 }).map(parseRequest);

describe('what is told of a playbook inside a task', () => {
  test('is progress at the start of a step, and a line of the log at its end', () => {
    expect(said({ type: 'step-started', step })).toEqual([
      { kind: 'progress', progress: 25, message: 'ci: step 2 of 4, --Build' },
    ]);
    expect(said({ type: 'step-ended', step, result, before: false })).toEqual([
      { kind: 'log', level: 'INFO', message: 'step 2 of 4, --Build: success, 1.2s' },
    ]);
  });

  test('says of a failure why, and of an attempt that is repeated that it is', () => {
    const failed = {
      ...result,
      status: 'failure',
      attempts: 2,
      message: 'its command ended with exit code 3',
    } as const;
    expect(said({ type: 'step-ended', step, result: failed, before: false })).toEqual([
      {
        kind: 'log',
        level: 'ERROR',
        message: 'step 2 of 4, --Build: failure, 1.2s, 2 attempts: its command ended with exit code 3',
      },
    ]);
    const end = { ...ended, exitCode: 3 };
    const attempt = { attempt: 1, status: 'failure', end, durationMs: 1, again: true } as const;
    expect(said({ type: 'attempt-ended', step, attempt })).toEqual([
      { kind: 'log', level: 'WARN', message: 'step 2 of 4, --Build: attempt 1: failure, exit code 3' },
    ]);
    expect(said({ type: 'attempt-started', step, attempt: 2 })).toHaveLength(1);
  });

  test('is nothing for what ended in an earlier start, or ends with its step', () => {
    const attempt = { attempt: 1, status: 'success', end: ended, durationMs: 1, again: false } as const;
    expect(said({ type: 'step-ended', step, result, before: true })).toEqual([]);
    expect(said({ type: 'attempt-ended', step, attempt })).toEqual([]);
    expect(said({ type: 'attempt-started', step, attempt: 1 })).toEqual([]);
  });

  test.each([
    ['condition', 'skipped, since its condition is not met'],
    ['earlier_failure', 'skipped, since a step before it failed'],
    ['cancelled', 'skipped, since the run was stopped'],
  ] as const)('says why a step was skipped: %s', (reason, text) => {
    expect(outcomeText({ ...result, status: 'skipped', reason })).toBe(text);
  });

  test('has durations that people read', () => {
    expect([0, 85, 1234, 59_949, 200_400, 3_600_000].map(shortDuration)).toEqual([
      '0ms',
      '85ms',
      '1.2s',
      '59.9s',
      '3m20s',
      '1h',
    ]);
  });
});
