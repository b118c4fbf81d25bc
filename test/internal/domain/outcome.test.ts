import { describe, expect, test } from 'vitest';
import { type Declared, judge, type ProcessEnd } from '../../../internal/domain/outcome.ts';

const success: Declared = { status: 'COMPLETED', message: 'fine', errorCode: '', autoFix: null };
const failure: Declared = { status: 'FAILED', message: 'no database', errorCode: 'DB', autoFix: null };
const exit = (exitCode: number): ProcessEnd => ({ exitCode, signal: null });
const killed: ProcessEnd = { exitCode: null, signal: 'SIGKILL' };

describe('judge', () => {
  test.each([
    ['exit 0 and nothing said', exit(0), null, 'COMPLETED', ''],
    ['exit 3 and nothing said', exit(3), null, 'FAILED', 'SCRIPT_EXECUTION_ERROR'],
    ['a signal and nothing said', killed, null, 'FAILED', 'SCRIPT_EXECUTION_ERROR'],
    ['exit 0 after success', exit(0), success, 'COMPLETED', ''],
    ['exit 1 after success', exit(1), success, 'FAILED', 'SCRIPT_EXECUTION_ERROR'],
    ['exit 0 after fail', exit(0), failure, 'FAILED', 'DB'],
    ['exit 1 after fail', exit(1), failure, 'FAILED', 'DB'],
  ] as const)('%s', (_title, end, declared, status, errorCode) => {
    expect(judge(end, null, declared)).toMatchObject({ status, errorCode, reason: null, ...end });
  });

  test('a cancelled run is cancelled whatever it said and however it ended', () => {
    expect(judge(exit(0), 'cancel', success).status).toBe('CANCELLED');
    expect(judge(killed, 'cancel', failure).status).toBe('CANCELLED');
  });

  test('a run that was ended from outside fails with the reason as its code', () => {
    expect(judge(killed, 'timeout', null)).toMatchObject({
      status: 'FAILED',
      errorCode: 'TIMEOUT',
      reason: 'timeout',
    });
    expect(judge(killed, 'timeout', success).status).toBe('FAILED');
  });

  test.each(['shim_lost', 'agent_lost'] as const)(
    'the message of %s says that the end is not known, unless the script had a last word',
    (reason) => {
      const nothing: ProcessEnd = { exitCode: null, signal: null };
      expect(judge(nothing, reason, null).message).toContain('how the script ended is not known');
      expect(judge(nothing, reason, failure).message).toBe('no database');
    },
  );

  test('the message says how a script ended that had declared a success', () => {
    expect(judge(exit(2), null, success).message).toBe('declared a success, then ended with exit code 2');
    expect(judge(killed, null, null).message).toBe('the script ended with signal SIGKILL');
  });
});
