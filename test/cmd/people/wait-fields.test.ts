import { expect, test } from 'vitest';
import { waitText } from '../../../cmd/keruta/people/wait-fields.ts';

test.each([
  [
    [],
    'for an agent with the label backend: no agent of the session is there; start one with --label backend',
  ],
  [
    [{ labels: ['gpu', 'frontend'] }, { labels: ['gpu'] }],
    'for an agent with the label backend: those that are there have frontend, gpu; start one with --label backend',
  ],
  [[{ labels: ['gpu'] }, { labels: ['backend'] }], null],
  [[{ labels: [] }], null],
])('a task that needs a skill says which agent it waits for, of %j', (agents, text) => {
  expect(waitText('backend', agents)).toBe(text);
});
