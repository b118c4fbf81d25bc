import type { Task } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { tellLogs } from './events.ts';
import type { SessionParts } from './parts.ts';

/** Says something in the log of a task, as the server: a line WARN of the source `keruta`, of its newest attempt. */
export async function sayOfTask(
  tx: Transaction,
  parts: Pick<SessionParts, 'random'>,
  { task, now, message }: { readonly task: Task; readonly now: number; readonly message: string },
): Promise<void> {
  const { id: taskId, sessionId, attempt } = task;
  const id = parts.random.uuid7(now);
  const where = { id, taskId, sessionId, attempt, timestamp: now };
  const logs = [{ ...where, level: 'WARN' as const, source: 'keruta', message, metadata: {} }];
  await tx.insertLogs(logs);
  await tellLogs(tx, logs);
}
