import { expect, test } from 'vitest';
import { readWorkflow } from '../../../internal/trigger/read-workflow.ts';

test.each([
  ['alone', 'echo \0'],
  ['in a template', { script: 'echo \0' }],
])('a script with a NUL byte is refused, %s', (_where, run) => {
  expect(() => readWorkflow({ name: 'w', run }, { zone: 'UTC' })).toThrow(
    /run.*expected text, got a NUL byte/,
  );
});
