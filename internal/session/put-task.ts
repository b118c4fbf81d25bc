import type { Task } from '../domain/task.ts';
import { isActive } from '../domain/task-status.ts';
import type { Transaction } from '../store/store.ts';
import { tellStatus } from './events.ts';
import { type Caller, type SessionParts, whoOf } from './parts.ts';

/** Writes a changed task, stamped, and tells where it stands now; @returns the task as written. */
export async function putAndTell(tx: Transaction, changed: Task, now: number): Promise<Task> {
  const task = { ...changed, updatedAt: now };
  await tx.putTask(task);
  await tellStatus(tx, task, now);
  if (task.concurrencyGroup !== null && !isActive(task.status)) await tellRoom(tx, task.concurrencyGroup);
  return task;
}

/** There may be room in a group: sessions whose tasks wait for it look again. */
async function tellRoom(tx: Transaction, group: string): Promise<void> {
  for (const sessionId of await tx.groupSessions(group)) tx.notify(`session:${sessionId}`);
}

/** Records who did what to a task. */
export async function auditTask(
  tx: Transaction,
  done: {
    readonly parts: SessionParts;
    readonly caller: Caller;
    /** e.g. `task.cancel` */
    readonly action: string;
    readonly task: Task;
    readonly now: number;
    readonly details?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  await tx.insertAudit({
    id: done.parts.random.uuid7(done.now),
    at: done.now,
    ...whoOf(done.caller),
    action: done.action,
    sessionId: done.task.sessionId,
    taskId: done.task.id,
    details: { attempt: done.task.attempt, ...done.details },
  });
}
