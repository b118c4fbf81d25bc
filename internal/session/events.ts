/** What live readers are told, in the transaction that made it happen. */
import type { LiveEventType, SessionLog, TaskLog } from '../domain/records.ts';
import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { toInstant, toTaskWire } from './wire.ts';

/** Something that happened, without its number. */
export interface Happening {
  readonly sessionId: string;
  /** null: it concerns the session as such */
  readonly taskId: string | null;
  readonly type: LiveEventType;
  readonly data: Readonly<Record<string, unknown>>;
  /** epoch ms */
  readonly at: number;
}

/** Writes one live event and wakes the readers of its session after the commit. @returns its number */
export async function tell(tx: Transaction, happening: Happening): Promise<number> {
  const seq = await tx.insertEvent(happening);
  tx.notify(`session:${happening.sessionId}`);
  return seq;
}

/** Tells where a task stands now; called after every change of its status. @param now epoch ms */
export async function tellStatus(tx: Transaction, task: Task, now: number): Promise<void> {
  await tell(tx, statusOf(task, now));
}

/** Where a task stands, as it is told. @param now epoch ms */
export function statusOf(task: Task, now: number): Happening {
  const { id, sessionId, script, description, parameters, createdAt, updatedAt, ...standing } =
    toTaskWire(task);
  return { sessionId, taskId: id, type: 'status', at: now, data: { taskId: id, ...standing } };
}

/** Tells a task's progress and message. @param now epoch ms */
export async function tellProgress(tx: Transaction, task: Task, now: number): Promise<void> {
  const { id: taskId, sessionId, progress, message, attempt } = task;
  await tell(tx, {
    sessionId,
    taskId,
    type: 'progress',
    at: now,
    data: { taskId, progress, message, attempt },
  });
}

/** Tells structured log lines, one event each, in their order. */
export async function tellLogs(tx: Transaction, logs: readonly TaskLog[]): Promise<void> {
  for (const { timestamp, sessionId, ...line } of logs) {
    const data = { ...line, timestamp: toInstant(timestamp) };
    await tell(tx, { sessionId, taskId: line.taskId, type: 'log', at: timestamp, data });
  }
}

/** Tells something about a session as such, and wakes those who watch the list of sessions too. */
export async function tellSession(
  tx: Transaction,
  about: {
    readonly sessionId: string;
    readonly type: LiveEventType;
    readonly data: Readonly<Record<string, unknown>>;
    /** epoch ms */
    readonly now: number;
  },
): Promise<void> {
  const { sessionId, type, now } = about;
  await tell(tx, { sessionId, taskId: null, type, at: now, data: { sessionId, ...about.data } });
  tx.notify('sessions');
}

/** Writes one line of a session's own log and tells it. */
export async function putSessionLog(tx: Transaction, log: SessionLog): Promise<void> {
  await tx.insertSessionLog(log);
  const { timestamp: now, sessionId, ...line } = log;
  const data = { ...line, timestamp: toInstant(now) };
  await tellSession(tx, { sessionId, type: 'session_log_created', data, now });
}
