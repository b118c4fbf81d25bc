/** What a run says it paid for: counted once, held against its cap and the limits of its day. */
import { ConflictError } from '../domain/errors.ts';
import type { CostEntry, CostSum, Reservation } from '../domain/governance.ts';
import { formatMoney } from '../domain/money.ts';
import type { Task } from '../domain/task.ts';
import { isEnded } from '../domain/task-status.ts';
import { warnPart } from '../governance/cost.ts';
import type { Transaction } from '../store/store.ts';
import { refuseSuperseded, visibleTask } from './authorize.ts';
import { cancelTaskIn } from './cancel.ts';
import { onTask } from './fence.ts';
import { type Caller, type SessionParts, systemCaller } from './parts.ts';
import { auditTask, putAndTell } from './put-task.ts';
import { sayOfTask } from './say-of-task.ts';

/** A cost as it is said. */
export type NewCost = Pick<CostEntry, 'micro' | 'tokensIn' | 'tokensOut' | 'model'> & {
  /** chosen by who says it: the same one again is the same cost */
  readonly key?: string | undefined;
};

/**
 * Adds a cost to a task from outside of its run's mailbox.
 * @returns what it cost in all
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND
 * @throws {ConflictError} KERUTA_ERR_TASK_ENDED, KERUTA_ERR_ATTEMPT_SUPERSEDED
 */
export function addCost(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
  cost: NewCost,
): Promise<CostSum> {
  return onTask(parts, ref, async (tx, { task, now }) => {
    const { key = parts.random.uuid4(), ...rest } = cost;
    refuseSuperseded(ref.caller, task);
    const known = (await tx.costs(task.id)).some((one) => one.key === key);
    if (isEnded(task.status) && !known)
      throw new ConflictError(
        'KERUTA_ERR_TASK_ENDED',
        `Task ${task.id} has ended as ${task.status}; a cost is told before the end.`,
        { details: { status: task.status } },
      );
    await recordCost(tx, parts, { task, now, cost: { ...rest, key, attempt: task.attempt } });
    return tx.costSum(task.id);
  });
}

/** What a task cost so far, one by one. @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND */
export async function costsOf(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
): Promise<{ readonly sum: CostSum; readonly costs: readonly CostEntry[] }> {
  const task = await visibleTask(parts.store, ref.caller, ref.taskId);
  return { sum: await parts.store.costSum(task.id), costs: await parts.store.costs(task.id) };
}

/**
 * Puts a cost on record inside a transaction that holds the task's session. At 80 % of what the run may spend its log says so;
 * when it has spent all of it, or more than is left of a day, it is cancelled.
 *
 * @returns the task as it is then
 */
export async function recordCost(
  tx: Transaction,
  parts: SessionParts,
  said: { readonly task: Task; readonly now: number; readonly cost: Omit<CostEntry, 'taskId' | 'at'> },
): Promise<Task> {
  const { task, now, cost } = said;
  if (!(await tx.insertCost({ ...cost, taskId: task.id, at: now }))) return task;
  const before = await tx.reservation(task.id);
  if (before === null) return task;
  const spentMicro = before.spentMicro + cost.micro;
  const grown = Math.max(0, spentMicro - before.heldMicro);
  if (grown > 0) for (const { key } of before.windows) await tx.addToCounter({ key, amount: grown, now });
  const reservation = { ...before, spentMicro, heldMicro: before.heldMicro + grown };
  const over = await limitPassed(tx, reservation, grown > 0);
  const isWarned = before.capMicro !== null && spentMicro >= before.capMicro * warnPart;
  const marked: Reservation = {
    ...reservation,
    warnedAt: before.warnedAt ?? (isWarned ? now : null),
    exceededAt: before.exceededAt ?? (over === null ? null : now),
  };
  await tx.putReservation(marked);
  const about = { task, now };
  if (over !== null && before.exceededAt === null) return stop(tx, parts, { ...about, over });
  if (isWarned && before.warnedAt === null)
    await sayOfTask(tx, parts, {
      ...about,
      message: `${spentOf(marked)}: it is cancelled when all of it is spent`,
    });
  return task;
}

/** What the run has spent too much of, for people; null = nothing. */
async function limitPassed(
  tx: Transaction,
  reservation: Reservation,
  hasGrown: boolean,
): Promise<string | null> {
  const { capMicro, spentMicro, windows } = reservation;
  if (capMicro !== null && spentMicro >= capMicro) return spentOf(reservation);
  if (!hasGrown || windows.length === 0) return null;
  const used = await tx.counters(windows.map(({ key }) => key));
  for (const { key, limitMicro } of windows) {
    const all = used.get(key) ?? 0;
    if (all > limitMicro)
      return `spent ${formatMoney(spentMicro)}, which is more than the day has left: ${formatMoney(all)} of ${formatMoney(limitMicro)} dollars`;
  }
  return null;
}

const spentOf = ({ spentMicro, capMicro }: Reservation) =>
  `spent ${formatMoney(spentMicro)} of the ${formatMoney(capMicro ?? 0)} dollars that a run may`;

async function stop(
  tx: Transaction,
  parts: SessionParts,
  { task, now, over }: { readonly task: Task; readonly now: number; readonly over: string },
): Promise<Task> {
  await sayOfTask(tx, parts, { task, now, message: `${over}: it is cancelled` });
  await auditTask(tx, {
    parts,
    caller: systemCaller,
    action: 'task.cost_limit',
    task,
    now,
    details: { over },
  });
  if (isEnded(task.status)) return task;
  // its run may come back, and learns it then
  if (task.status === 'LOST') return putAndTell(tx, { ...task, cancelRequested: true }, now);
  return cancelTaskIn(tx, { parts, caller: systemCaller }, { task, now });
}
