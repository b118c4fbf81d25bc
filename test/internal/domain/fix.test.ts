import { describe, expect, test } from 'vitest';
import { type Failure, fixKey, fixOf, refuseFix } from '../../../internal/domain/fix.ts';
import type { Task } from '../../../internal/domain/task.ts';

const failure: Failure = {
  errorCode: 'E1',
  errorMessage: 'it broke',
  occurredAt: Date.UTC(2026, 0, 1),
  bundle: { exitCode: 3 },
  fingerprint: 'abc',
};

const task = (over: Partial<Task>): Task =>
  ({
    id: 't1',
    sessionId: 's1',
    name: 'build',
    description: 'builds',
    script: 'make',
    kind: 'script',
    context: null,
    status: 'FAILED',
    reason: null,
    priority: 2,
    parameters: { a: 1 },
    ref: null,
    timeoutMs: null,
    noOutputTimeoutMs: null,
    autoFix: null,
    fixCount: 0,
    triggerId: null,
    ...over,
  }) as Task;

describe('refuseFix', () => {
  test('a failed script may be fixed', () => expect(refuseFix(task({}), failure)).toBeNull());
  test('a timeout may be fixed', () => expect(refuseFix(task({ reason: 'timeout' }), failure)).toBeNull());
  test.each(['COMPLETED', 'CANCELLED'] as const)('%s tasks are not fixed', (status) =>
    expect(refuseFix(task({ status }), failure)).toBe('NOT_FAILED'),
  );
  test.each(['cancel', 'agent_stop', 'agent_lost', 'lost_lease', 'refused', 'checkout'] as const)(
    'a task that ended by %s is not fixed',
    (reason) => expect(refuseFix(task({ reason }), failure)).toBe('NOT_THE_SCRIPTS_FAULT'),
  );
  test('there is no fourth generation', () => {
    expect(refuseFix(task({ fixCount: 2 }), failure)).toBeNull();
    expect(refuseFix(task({ fixCount: 3 }), failure)).toBe('MAX_FIX_COUNT');
  });
  test('a fix that fails in the same way ends the chain', () => {
    const parameters = { autoFix: { fingerprint: 'abc' } };
    expect(refuseFix(task({ fixCount: 1, parameters }), failure)).toBe('SAME_FAILURE');
    expect(refuseFix(task({ fixCount: 1, parameters }), { ...failure, fingerprint: 'other' })).toBeNull();
  });
});

describe('fixOf', () => {
  const again = { script: null, byAgent: false };
  const script = { script: 'fix.sh', byAgent: true };

  test('a coding agent is told what the script of the task was, and only where there is no script for it', () => {
    const failed = task({ name: 'build\nall', script: 'make all' });
    const fix = fixOf(failed, failure, { script: null, byAgent: true });
    expect(fix).toMatchObject({
      kind: 'agent',
      script: '',
      context: { title: 'Mend: build all', publish: 'branch' },
    });
    expect(fix.context?.description).toBe(
      'builds\n\nA script failed. Mend what it failed at, in this repository.\n\nmake all',
    );
    expect(fix.parameters).toMatchObject({ autoFix: { errorMessage: 'it broke' } });
    // the next generation is the same task again
    expect(fixOf(task({ ...fix, id: 't2' } as Partial<Task>), failure, again)).toMatchObject({
      kind: 'agent',
      context: fix.context,
    });
    expect(fixOf(failed, failure, script)).not.toHaveProperty('kind');
  });

  test('the fix of an agent task is one of the same kind; a script in its place is one', () => {
    const context = { title: 'Mend' } as Task['context'];
    const failed = task({ kind: 'agent', script: 'exec runner', context });
    expect(fixOf(failed, failure, again)).toMatchObject({ kind: 'agent', script: '', context });
    expect(fixOf(failed, failure, script)).toMatchObject({ script: 'fix.sh' });
    expect(fixOf(failed, failure, script)).not.toHaveProperty('kind');
  });

  test('the fix task names its origin, counts, and keeps what the task was given', () => {
    const fix = fixOf(task({}), failure, again);
    expect(fix).toMatchObject({
      name: '【自動修正】build',
      parentTaskId: 't1',
      fixCount: 1,
      priority: 2,
      script: 'make',
      input: 'none',
    });
    expect(fix.description).toBe('builds\n---\nit broke');
    expect(fix.parameters).toMatchObject({
      a: 1,
      autoFix: { originalTaskId: 't1', rootTaskId: 't1', fixCount: 1 },
    });
  });

  test('the prefix stands once and the root stays the first task', () => {
    const first = fixOf(task({}), failure, again);
    const second = fixOf(task({ ...first, id: 't2' } as Partial<Task>), failure, script);
    expect(second).toMatchObject({
      name: '【自動修正】build',
      script: 'fix.sh',
      fixCount: 2,
      parentTaskId: 't2',
    });
    expect(second.parameters).toMatchObject({ autoFix: { originalTaskId: 't2', rootTaskId: 't1' } });
  });

  test('the key names task and attempt', () => expect(fixKey('t1', 2)).toBe('fix:t1:2'));
});
