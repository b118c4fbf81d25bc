/** Whether a task is under way in a checkout, as the records of runs tell it. */
import { join } from 'node:path';
import { namesIn, realOf } from '../../../pkg/files/names-in.ts';
import { isAlive } from '../../../pkg/process/process-identity.ts';
import { baseHolder } from '../base-lock.ts';
import { lookAtRun } from '../look-at-run.ts';
import { readRecord } from '../run-record.ts';

/** A task that is under way. */
export interface BusyTask {
  readonly taskId: string;
  readonly name: string;
}

/**
 * Finds a task that is under way.
 * @param base  the base directory of the agents
 * @param where.directory  the checkout; null: only the task itself counts
 * @param where.taskId  which task counts wherever it runs; null: none
 * @returns null: there is none. While an agent prepares a task it is not known where that will run: it counts
 */
export function busyTask(
  base: string,
  where: { readonly directory: string | null; readonly taskId: string | null },
): BusyTask | null {
  const holder = baseHolder(base);
  const hasAgent = holder !== null && isAlive(holder);
  for (const name of namesIn(join(base, 'runs'))) {
    const { state, isRunning, directory } = lookAtRun(join(base, 'runs'), name);
    if (state !== 'open' || !(isRunning || hasAgent)) continue;
    const record = readRecord(directory);
    if (record === null) continue;
    const { task, started } = record;
    const isThere =
      where.directory !== null &&
      task.kind === 'script' &&
      (started === null || realOf(started.workingDirectory) === realOf(where.directory));
    if (isThere || task.id === where.taskId) return { taskId: task.id, name: task.name };
  }
  return null;
}
