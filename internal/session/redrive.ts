import { ConflictError, NotFoundError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Occurrence } from '../domain/workflow.ts';
import type { Reads } from '../store/store.ts';
import { recordAct } from './append-ledger.ts';
import { namedWorkflow } from './apply-workflow.ts';
import { type Fired, fireIn } from './fire.ts';
import type { Caller, SessionParts } from './parts.ts';

/** A wish to do once more what failed for good. */
export interface RedriveWish {
  readonly caller: Caller;
  /** name or id */
  readonly workflow: string;
  /** id of the task that failed */
  readonly task: string;
}

/** The key of what stands for a run that failed. The store leaves those out of the list of dead ones by it. */
const keyOf = ({ id }: Occurrence) => `redrive:${id}`;

/**
 * Makes a new task of what fired one that failed for good, with its event and its parameters, and the workflow as it is now;
 * whatever is under way. Of one failed task there is one such task: asked again, it is the same.
 *
 * @throws {NotFoundError} KERUTA_ERR_WORKFLOW_NOT_FOUND, KERUTA_ERR_TASK_NOT_FOUND, KERUTA_ERR_TRIGGER_NOT_FOUND
 * @throws {ConflictError} KERUTA_ERR_TRANSITION when it did not fail
 */
export async function redrive(parts: SessionParts, wish: RedriveWish): Promise<Fired> {
  const { caller } = wish;
  const { dead } = await findDead(parts.store, wish);
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    await tx.lockTrigger(dead.triggerId);
    const found = await findDead(tx, wish);
    const { workflow, trigger, task } = found;
    const known = await tx.occurrence(trigger.id, keyOf(found.dead));
    const event = found.dead.eventId === null ? null : await tx.triggerEvent(found.dead.eventId);
    const fired = await fireIn(tx, parts, {
      ...{ trigger, workflow, key: keyOf(found.dead), source: found.dead.source },
      ...{ nominalAt: found.dead.nominalAt, effectiveAt: now, now },
      ...{ reason: 'asked', actor: caller.actor, isForced: true },
      ...(event === null ? {} : { event, isEventKept: true }),
      ...(known?.decision === 'skipped' ? { instead: known } : {}),
      parameters: task.parameters,
      details: { redriveOf: task.id },
    });
    const details = { redriveOf: task.id, executionId: fired.occurrence.id };
    const act = { caller, action: 'trigger.redriven', now, trigger, workflow, details };
    if (fired.isNew) await recordAct(tx, parts, act);
    return fired;
  });
}

async function findDead(reads: Reads, { workflow: name, task: id }: RedriveWish) {
  const workflow = await namedWorkflow(reads, name);
  const dead = await reads.occurrenceOfTask(id);
  const task = await reads.task(id);
  if (dead?.workflowId !== workflow.id || task === null)
    throw new NotFoundError(
      'KERUTA_ERR_TASK_NOT_FOUND',
      `Workflow ${workflow.name} made no task ${JSON.stringify(id.slice(0, 80))}; keruta trigger history ${workflow.name} --dead lists those that failed.`,
    );
  refuseAlive(task);
  const trigger = await reads.trigger(dead.triggerId);
  if (trigger !== null) return { workflow, dead, task, trigger };
  throw new NotFoundError(
    'KERUTA_ERR_TRIGGER_NOT_FOUND',
    `The trigger that made task ${task.id} is gone; fire another one of ${workflow.name} by hand.`,
  );
}

function refuseAlive({ id, status }: Task): void {
  if (status === 'FAILED') return;
  throw new ConflictError(
    'KERUTA_ERR_TRANSITION',
    `Task ${id} is ${status}; only one that failed for good is made anew.`,
    { details: { status } },
  );
}
