import type { Trigger } from '../domain/workflow.ts';
import type { Store } from '../store/store.ts';
import { readWebhook, type Webhook, webhookShape } from '../trigger/webhook/webhook-spec.ts';
import type { SessionParts } from './parts.ts';

/** A trigger of type webhook, ready to be asked. */
export interface Hook {
  readonly trigger: Trigger;
  /** name of its workflow */
  readonly workflow: string;
  readonly webhook: Webhook;
}

/** After this the table is read again, whatever was heard; ms. */
const maxAgeMs = 2_000;

/** The tables of each store. */
const tables = new WeakMap<object, WebhookTable>();

/**
 * Finds the webhooks of an address: those whose path it is, or whose workflow has this id, or this name and they no path.
 * What was changed on this server counts at once, what was changed on another within two seconds.
 */
export async function findHooks(parts: SessionParts, address: string): Promise<readonly Hook[]> {
  return (await tableOf(parts).current()).get(address) ?? [];
}

/** All webhooks, by the names of their workflows. */
export async function allHooks(parts: SessionParts): Promise<readonly Hook[]> {
  const all = new Set([...(await tableOf(parts).current()).values()].flat());
  return [...all].sort((a, b) => (a.workflow < b.workflow ? -1 : Number(a.workflow > b.workflow)));
}

function tableOf(parts: SessionParts): WebhookTable {
  const table = tables.get(parts.store) ?? new WebhookTable(parts);
  tables.set(parts.store, table);
  return table;
}

/** Senders ask often and definitions change rarely, so that all of them are kept in memory. */
class WebhookTable {
  readonly #parts: Pick<SessionParts, 'store' | 'clock' | 'log'>;
  #hooks: Promise<ReadonlyMap<string, readonly Hook[]>> | null = null;
  #readAt = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    parts.store.subscribe('triggers', () => {
      this.#hooks = null;
    });
  }

  current(): Promise<ReadonlyMap<string, readonly Hook[]>> {
    const now = this.#parts.clock.monotonicMs();
    if (this.#hooks !== null && now - this.#readAt < maxAgeMs) return this.#hooks;
    this.#readAt = now;
    const reading = this.#read(this.#parts.store);
    this.#hooks = reading;
    // what could not be read is read again by the next one who asks
    reading.catch(() => {
      if (this.#hooks === reading) this.#hooks = null;
    });
    return reading;
  }

  async #read(store: Store): Promise<ReadonlyMap<string, readonly Hook[]>> {
    const triggers = await store.triggers({ type: 'webhook' });
    const names = new Map((await store.workflows()).map(({ id, name }) => [id, name]));
    const found = new Map<string, Hook[]>();
    for (const trigger of triggers) {
      const hook = this.#hookOf(trigger, names.get(trigger.workflowId));
      if (hook === null) continue;
      for (const address of new Set([trigger.workflowId, hook.webhook.path ?? hook.workflow]))
        found.set(address, [...(found.get(address) ?? []), hook]);
    }
    return found;
  }

  #hookOf(trigger: Trigger, workflow: string | undefined): Hook | null {
    if (workflow === undefined) return null;
    try {
      return { trigger, workflow, webhook: readWebhook(webhookShape.parse(trigger.definition.spec)) };
    } catch (error) {
      this.#parts.log.error('a webhook cannot be read; apply its workflow anew', { workflow, error });
      return null;
    }
  }
}
