import { isEnded } from '../domain/task-status.ts';
import { removeTask } from './edit-task.ts';
import type { SessionParts } from './parts.ts';
import { removeBytes } from './removals.ts';

/** So many are looked up at once; each is removed in a transaction of its own, since others want to write too. */
const maxAtOnce = 100;

/**
 * Removes tasks that ended longer ago than tasks are kept, with their attempts, output and artifacts. What the ledger, the
 * audit and the history of workflows say about them stays. One with a subtask that has not ended stays for now.
 * @returns how many went; 0 when nothing says how long tasks are kept
 */
export async function forgetTasks(parts: SessionParts, signal: AbortSignal): Promise<number> {
  const { store, tasksKeepMs = null } = parts;
  if (tasksKeepMs === null) return 0;
  for (let gone = 0; ; ) {
    const now = await store.now();
    const taskIds = await store.endedTasks(now - tasksKeepMs, maxAtOnce);
    for (const taskId of taskIds) {
      if (signal.aborted) return gone;
      if (await forgetTask(parts, taskId, now)) gone += 1;
    }
    if (taskIds.length < maxAtOnce) return gone;
  }
}

/** Another server may have removed it, or somebody may have started it again. */
async function forgetTask(parts: SessionParts, taskId: string, now: number): Promise<boolean> {
  const isGone = await parts.store.transact(async (tx) => {
    const seen = await tx.task(taskId);
    if (seen === null) return false;
    await tx.lockSession(seen.sessionId);
    const task = await tx.task(taskId);
    if (task === null || !isEnded(task.status)) return false;
    await removeTask(tx, task, now);
    return true;
  });
  if (isGone) await removeBytes(parts, [taskId]);
  return isGone;
}
