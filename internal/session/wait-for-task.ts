import type { Task } from '../domain/task.ts';
import { isEnded } from '../domain/task-status.ts';
import type { SessionParts } from './parts.ts';
import { Wakeup } from './wakeup.ts';

/**
 * Waits for a task to end.
 * @param wait.ms  how long at most
 * @returns the task when the wait is over, ended or not; null when it is not there any more
 */
export async function waitForTask(
  { store, clock }: SessionParts,
  wait: { readonly taskId: string; readonly ms: number; readonly signal: AbortSignal },
): Promise<Task | null> {
  const { taskId, ms, signal } = wait;
  const deadline = clock.monotonicMs() + ms;
  const first = await store.task(taskId);
  if (first === null) return null;
  const wakeup = new Wakeup(store, `session:${first.sessionId}`);
  try {
    for (;;) {
      const task = await store.task(taskId);
      const left = deadline - clock.monotonicMs();
      if (task === null || isEnded(task.status) || left <= 0) return task;
      if ((await wakeup.wait(clock, left, signal)) === 'stopped') return task;
    }
  } finally {
    wakeup.close();
  }
}
