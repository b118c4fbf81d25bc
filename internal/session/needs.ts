/** Tasks that wait for others: they are claimed when all of these have succeeded. */
import { InputError } from '../domain/errors.ts';
import { maxNeeds, type NeedState, type Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { visibleTask } from './authorize.ts';
import type { Caller } from './parts.ts';
import { putAndTell } from './put-task.ts';

/** Where a task stands with what it waits for. */
export type NeedsState = Pick<Task, 'unmetNeeds' | 'blockedBy'>;

interface Need {
  readonly id: string;
  readonly state: NeedState;
}

/** What a task says that waits for nothing. */
export const noNeeds: NeedsState = { unmetNeeds: 0, blockedBy: null };

/**
 * Reads what a new task is to wait for, and holds its sessions until the transaction ends, so that none of it ends unseen.
 * @param ids  of tasks that the caller sees; what comes twice counts once
 * @throws {InputError} KERUTA_ERR_BAD_VALUE when there are too many
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND
 */
export async function readNeeds(
  tx: Transaction,
  caller: Caller,
  ids: readonly string[],
): Promise<readonly Need[]> {
  const wanted = [...new Set(ids)];
  if (wanted.length > maxNeeds)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `A task waits for ${maxNeeds} others at most; got ${wanted.length}. Let it wait for one that waits for them.`,
    );
  const needs: Need[] = [];
  for (const id of wanted) {
    const { sessionId } = await visibleTask(tx, caller, id);
    await tx.lockSession(sessionId);
    const task = await visibleTask(tx, caller, id);
    needs.push({ id: task.id, state: stateOf(task) });
  }
  return needs;
}

/** What the states of all needs make of a task. */
export function needsState(needs: readonly Need[]): NeedsState {
  const unmet = needs.filter(({ state }) => state !== 'met');
  return {
    unmetNeeds: unmet.length,
    blockedBy: unmet.find(({ state }) => state === 'failed')?.id ?? null,
  };
}

/** What a task that waits says of itself; `''` when it does not wait. */
export function needsMessage({ unmetNeeds, blockedBy }: NeedsState): string {
  if (blockedBy !== null)
    return `blocked: task ${blockedBy}, which must succeed first, did not; retry that one, or cancel this one`;
  if (unmetNeeds === 0) return '';
  return `waits for ${unmetNeeds === 1 ? 'a task' : `${unmetNeeds} tasks`} to succeed`;
}

/** Tells everybody who waits for a task what became of it. @param task  has ended, or is about to be removed */
export async function settleNeeds(
  tx: Transaction,
  { task, now, isGone = false }: { readonly task: Task; readonly now: number; readonly isGone?: boolean },
): Promise<void> {
  const waiting = await tx.tasksThatNeed(task.id);
  if (waiting.length === 0) return;
  const state = stateOf(task);
  await tx.settleNeeds(task.id, isGone && state !== 'met' ? 'failed' : state);
  for (const { id, sessionId } of waiting) {
    await tx.lockSession(sessionId);
    const one = await tx.task(id);
    if (one === null) continue;
    const after = needsState(await tx.needs(id));
    if (after.unmetNeeds === one.unmetNeeds && after.blockedBy === one.blockedBy) continue;
    const message = one.status === 'PENDING' ? needsMessage(after) : one.message;
    await putAndTell(tx, { ...one, ...after, message }, now);
  }
}

function stateOf({ status }: Pick<Task, 'status'>): NeedState {
  if (status === 'COMPLETED') return 'met';
  return status === 'FAILED' || status === 'CANCELLED' ? 'failed' : 'open';
}
