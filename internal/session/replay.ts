import { NotFoundError } from '../domain/errors.ts';
import type { Trigger, TriggerEvent, Workflow } from '../domain/workflow.ts';
import type { Reads } from '../store/store.ts';
import { triggerTypes } from '../trigger/types.ts';
import { readWebhook, webhookShape } from '../trigger/webhook/webhook-spec.ts';
import { recordAct } from './append-ledger.ts';
import { namedWorkflow } from './apply-workflow.ts';
import { type DeliveryData, parametersOf, valuesOf } from './delivery-data.ts';
import { type Fired, fireIn } from './fire.ts';
import type { Caller, SessionParts } from './parts.ts';

/** A wish to fire an event once more. */
export interface ReplayWish {
  readonly caller: Caller;
  /** name or id */
  readonly workflow: string;
  /** id of the event, or of a task that it made */
  readonly event: string;
  /** the same key again gives the same occurrence */
  readonly key?: string;
  /** also when the trigger is held, switched off, or a task of it is under way */
  readonly isForced?: boolean;
}

/**
 * Fires an event that is kept once more, with the workflow as it is now. Its filter was asked before and is not asked again.
 * @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND, KERUTA_ERR_EVENT_NOT_FOUND
 */
export async function replayEvent(parts: SessionParts, wish: ReplayWish): Promise<Fired> {
  const { caller, isForced = false } = wish;
  const { trigger } = await findEvent(parts.store, wish);
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    await tx.lockTrigger(trigger.id);
    const found = await findEvent(tx, wish);
    const fired = await fireIn(tx, parts, {
      trigger: found.trigger,
      workflow: found.workflow,
      key: `replay:${found.event.id}:${wish.key ?? parts.random.uuid7(now)}`,
      source: triggerTypes.get(found.trigger.type)?.source ?? 'manual',
      ...{ nominalAt: found.event.at, effectiveAt: now, now },
      ...{ reason: 'asked', actor: caller.actor, isForced },
      event: found.event,
      isEventKept: true,
      parameters: parametersAgain(found.trigger, found.event),
    });
    const details = { eventId: found.event.id, executionId: fired.occurrence.id };
    const act = { caller, action: 'trigger.replayed', now, ...found, details };
    if (fired.isNew) await recordAct(tx, parts, act);
    return fired;
  });
}

interface FoundEvent {
  readonly workflow: Workflow;
  readonly trigger: Trigger;
  readonly event: TriggerEvent;
}

async function findEvent(reads: Reads, { workflow: name, event: id }: ReplayWish): Promise<FoundEvent> {
  const workflow = await namedWorkflow(reads, name);
  const ofTask = await reads.occurrenceOfTask(id);
  const event = await reads.triggerEvent(ofTask?.eventId ?? id);
  const trigger = event === null ? null : await reads.trigger(event.triggerId);
  if (event !== null && trigger?.workflowId === workflow.id) return { workflow, trigger, event };
  throw new NotFoundError(
    'KERUTA_ERR_EVENT_NOT_FOUND',
    `Workflow ${workflow.name} has kept no event ${JSON.stringify(id.slice(0, 80))}; its occurrences name those that it has.`,
  );
}

/** As the trigger takes them out of the event now. */
function parametersAgain({ type, definition }: Trigger, { kind, data }: TriggerEvent) {
  if (type !== 'webhook') return {};
  const values = valuesOf(data as unknown as DeliveryData, kind);
  return parametersOf(readWebhook(webhookShape.parse(definition.spec)), values);
}
