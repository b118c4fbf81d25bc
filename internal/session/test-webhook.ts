/** Tries out a webhook: a delivery as its sender would sign it goes the way that all deliveries go. */

import { InputError, KerutaError } from '../domain/errors.ts';
import { secretName } from '../domain/secret-ref.ts';
import { readBody } from '../trigger/webhook/read-body.ts';
import { sampleOf, signedHeaders } from '../trigger/webhook/sign.ts';
import { recordAct } from './append-ledger.ts';
import { namedWorkflow } from './apply-workflow.ts';
import { type Delivered, type DeliveredTo, type Delivery, deliver } from './deliver.ts';
import { kindOf, parametersOf, toDeliveryData, valuesOf } from './delivery-data.ts';
import type { Caller, SessionParts } from './parts.ts';
import { rehearsing } from './rehearse.ts';
import { findTrigger } from './trigger-verbs.ts';
import { allHooks, type Hook } from './webhook-table.ts';

/** What to try. */
export interface WebhookTest {
  readonly caller: Caller;
  /** name or id */
  readonly workflow: string;
  /** name or id; may be left out when there is only one */
  readonly trigger?: string | undefined;
  /** default: a small one, as senders of its kind send it */
  readonly body?: Uint8Array | undefined;
  /** over those of the sample; names in lower case */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** whether what fires is run; else everything is done and undone again */
  readonly isRun: boolean;
}

/** What came of it, or would come of it. */
export interface TestedWebhook {
  readonly method: string;
  /** last part of the address */
  readonly address: string;
  /** what was sent beside the signature */
  readonly headers: Readonly<Record<string, string>>;
  readonly kind: string;
  /** what the trigger takes out of it for its task */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly outcome:
    | { readonly status: 'greeting'; readonly answer: Readonly<Record<string, unknown>> }
    | { readonly status: 'refused'; readonly code: string; readonly message: string }
    | { readonly status: 'fired'; readonly to: readonly DeliveredTo[] };
}

/**
 * Tries out a webhook with a signed delivery. Nothing stays of it unless it is to run; its rate is not used up then either.
 * @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND, KERUTA_ERR_TRIGGER_NOT_FOUND
 * @throws {InputError} KERUTA_ERR_BAD_VALUE: it is no webhook; KERUTA_ERR_CONFIG_MISSING: the server has no secret for it
 */
export async function testWebhook(parts: SessionParts, test: WebhookTest): Promise<TestedWebhook> {
  const { store } = parts;
  const { id } = await namedWorkflow(store, test.workflow);
  const hooks = (await allHooks(parts)).filter(({ trigger }) => trigger.workflowId === id);
  const only = hooks.length === 1 ? hooks[0]?.trigger.id : undefined;
  const { trigger, workflow } = await findTrigger(store, { ...test, trigger: test.trigger ?? only });
  const hook = hooks.find((one) => one.trigger.id === trigger.id);
  if (hook === undefined || trigger.type !== 'webhook')
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `Trigger ${trigger.name} of ${workflow.name} is of type ${trigger.type}; only webhooks are tried out by a delivery. Fire it by hand: keruta trigger fire ${workflow.name} --trigger ${trigger.name}`,
    );
  const delivery = deliveryOf(parts, hook, test);
  if (test.isRun) {
    const now = await store.now();
    const act = { caller: test.caller, action: 'trigger.tested', now, trigger, workflow };
    await store.transact((tx) => recordAct(tx, parts, act));
  }
  const outcome = await outcomeOf(test.isRun ? parts : rehearsing(parts), delivery);
  return { ...aboutDelivery(hook, delivery), outcome };
}

function deliveryOf(parts: SessionParts, hook: Hook, test: WebhookTest): Delivery {
  const { webhook, workflow } = hook;
  const id = `test-${parts.random.uuid4()}`;
  const sample = sampleOf(webhook.verification, id);
  const bytes = test.body ?? Buffer.from(JSON.stringify(sample.body));
  const unsigned = { body: bytes, id, now: parts.clock.now() };
  return {
    address: webhook.path ?? workflow,
    method: webhook.methods[0] ?? 'POST',
    headers: {
      'content-type': 'application/json',
      ...sample.headers,
      ...signedHeaders(webhook.verification, secretFor(parts, hook), unsigned),
      ...test.headers,
    },
    query: test.query,
    bytes,
  };
}

/** The first that the server has: a sender that is moved to another may have either. */
function secretFor({ triggerHost }: SessionParts, { webhook, trigger }: Hook): string {
  if (webhook.verification.type === 'none') return '';
  const found = webhook.secrets.map((ref) => triggerHost?.secret(ref) ?? null);
  const secret = found.find((one) => one !== null);
  if (secret != null) return secret;
  throw new InputError(
    'KERUTA_ERR_CONFIG_MISSING',
    `Webhook ${trigger.name} takes no delivery at all: the server has no secret for it. Set ${webhook.secrets.map(secretName).join(' or ')}, and start the server again if that is a variable.`,
  );
}

/** A delivery that is refused is an answer here, and what was to be found out. */
async function outcomeOf(parts: SessionParts, delivery: Delivery): Promise<TestedWebhook['outcome']> {
  try {
    const delivered: Delivered = await deliver(parts, delivery);
    if (delivered.kind === 'greeting') return { status: 'greeting', answer: delivered.body };
    return { status: 'fired', to: delivered.to };
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    return { status: 'refused', code: error.code, message: error.message };
  }
}

function aboutDelivery(hook: Hook, delivery: Delivery): Omit<TestedWebhook, 'outcome'> {
  const { method, address } = delivery;
  try {
    const body = readBody(delivery.bytes, delivery.headers['content-type']);
    const data = toDeliveryData(hook, delivery, body);
    const kind = kindOf(hook.webhook, data);
    const parameters = parametersOf(hook.webhook, valuesOf(data, kind));
    return { method, address, headers: data.headers, kind, parameters };
  } catch {
    // a body that cannot be read: the outcome says so
    return { method, address, headers: {}, kind: '', parameters: {} };
  }
}
