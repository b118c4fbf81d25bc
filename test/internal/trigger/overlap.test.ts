import { expect, test } from 'vitest';
import { readWorkflow } from '../../../internal/trigger/read-workflow.ts';

const types = [
  { type: 'cron', expression: '@daily' },
  { type: 'interval', every: '1h' },
  { type: 'manual' },
  { type: 'file', path: '/in' },
  { type: 'task-end', workflow: 'other' },
  { type: 'webhook', auth: { type: 'github', secretEnv: 'A' } },
  { type: 'github', repository: 'acme/site', events: ['push'] },
  { type: 'email', allowedSenders: ['*@example.org'], authservId: 'mx.example.org' },
];

/** What holds for a trigger of each type in the end. */
function overlaps(workflow: object = {}, trigger: object = {}) {
  const triggers = types.map((one) => ({ ...one, ...trigger }));
  const value = { name: 'w', run: 'true', triggers, ...workflow };
  const { definition } = readWorkflow(value, { zone: 'UTC' });
  return Object.fromEntries(
    definition.triggers.map(({ type, overlap }) => [type, overlap ?? definition.overlap]),
  );
}

const all = (overlap: string) => Object.fromEntries(types.map(({ type }) => [type, overlap]));

test('what happened is queued when something else is under way, an instant or a wish is skipped', () => {
  const events = {
    file: 'allow',
    'task-end': 'allow',
    webhook: 'allow',
    github: 'allow',
    email: 'allow',
  };
  expect(overlaps()).toEqual({ ...all('skip'), ...events });
});

test.each(['skip', 'buffer_one', 'cancel_other'])(
  'what the workflow says holds for all of them: %s',
  (overlap) => {
    expect(overlaps({ overlap })).toEqual(all(overlap));
  },
);

test('what a trigger says wins', () => {
  expect(overlaps({ overlap: 'allow' }, { overlap: 'skip' })).toEqual(all('skip'));
});
