import { describe, expect, test } from 'vitest';
import { readWorkflow } from '../../../internal/trigger/read-workflow.ts';
import { isAwaited, type TaskEndSpec } from '../../../internal/trigger/types/task-end.ts';

const read = (trigger: object) =>
  readWorkflow({ name: 'w', run: 'true', triggers: [{ type: 'task-end', ...trigger }] }, { zone: 'UTC' });

describe('a trigger that waits for the end of a task', () => {
  test.each([
    [{}, 'expected one of workflow and session, got none'],
    [{ workflow: 'a', session: 'b' }, 'expected one of workflow and session, got both'],
    [{ workflow: 'a', on: ['lost'] }, 'triggers[0].on[0]'],
    [{ workflow: 'a', on: [] }, 'triggers[0].on'],
    [{ workflow: 'a', task: 'b' }, 'task'],
  ])('%j is refused: %s', (trigger, message) => {
    expect(() => read(trigger)).toThrow(message);
  });

  const ended = { workflow: 'a', session: 's', status: 'COMPLETED' };
  test.each<[TaskEndSpec, object, boolean]>([
    [{ workflow: 'a' }, {}, true],
    [{ workflow: 'b' }, {}, false],
    [{ workflow: 'a' }, { workflow: null }, false],
    [{ workflow: 'a' }, { status: 'FAILED' }, false],
    [{ workflow: 'a', on: ['failed', 'cancelled'] }, { status: 'FAILED' }, true],
    [{ workflow: 'a', on: ['failed', 'cancelled'] }, {}, false],
    [{ session: 's' }, { workflow: null }, true],
    [{ session: 'other' }, {}, false],
  ])('%j awaits %j: %s', (spec, more, expected) => {
    expect(isAwaited(spec, { ...ended, ...more })).toBe(expected);
  });
});
