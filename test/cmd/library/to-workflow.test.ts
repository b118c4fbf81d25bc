import { beforeEach, expect, test } from 'vitest';
import { workflowOfUnit } from '../../../cmd/keruta/library/to-workflow.ts';
import { webhook } from '../../../lib/src/index.ts';
import { registry, takeRegistry } from '../../../lib/src/registry.ts';

beforeEach(() => void takeRegistry());

test.each([
  ['github.push', 'github', 'GITHUB_WEBHOOK_SECRET', "kind == 'push' or kind == ''"],
  ['slack.message', 'slack', 'SLACK_SIGNING_SECRET', "kind == 'message' or kind == ''"],
  ['slack.message.im', 'slack', 'SLACK_SIGNING_SECRET', undefined],
  ['orders.new', 'github', 'WEBHOOK_SECRET', undefined],
  ['slack', 'github', 'WEBHOOK_SECRET', undefined],
])(
  'a function of the event %s is deployed with the signature of %s, by %s',
  (event, type, secretEnv, filter) => {
    webhook.on(event, function handle() {});
    const [unit] = registry().units.values();
    const carriage = { kind: 'there', path: 'a.ts' } as const;
    const workflow = workflowOfUnit({ unit: unit!, module: 'a', session: null, carriage, hasOnError: false });
    const [trigger] = workflow.triggers as Record<string, unknown>[];
    expect(trigger).toMatchObject({ type: 'webhook', path: event, auth: { type, secretEnv } });
    expect(trigger?.filter).toBe(filter);
  },
);
