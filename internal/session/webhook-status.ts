import type { WebhookStatusWire } from '../api/workflow-shapes.ts';
import type { SessionParts } from './parts.ts';
import { allHooks, type Hook } from './webhook-table.ts';
import { toInstant } from './wire.ts';

/** How the webhooks of the server stand, by workflow. */
export async function webhookStatus(parts: SessionParts): Promise<WebhookStatusWire[]> {
  const hooks = await allHooks(parts);
  return Promise.all(hooks.map((hook) => statusOf(parts, hook)));
}

async function statusOf({ store, triggerHost }: SessionParts, hook: Hook): Promise<WebhookStatusWire> {
  const { trigger, workflow, webhook } = hook;
  const [last] = await store.occurrences({ triggerId: trigger.id }, { limit: 1, offset: 0 });
  return {
    workflow,
    trigger: trigger.name,
    addresses: [webhook.path ?? workflow, trigger.workflowId],
    methods: [...webhook.methods],
    auth: webhook.verification.type,
    hasSecrets: webhook.secrets.every((ref) => (triggerHost?.secret(ref) ?? null) !== null),
    enabled: trigger.enabled,
    paused: trigger.pausedAt !== null,
    last: last
      ? { at: toInstant(last.decidedAt), decision: last.decision, reason: last.reason, taskId: last.taskId }
      : null,
  };
}
