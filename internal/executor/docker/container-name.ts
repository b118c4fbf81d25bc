/** How the container of a run is called, and what is written on it. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';

/** Names of the labels. */
export const label = {
  runId: 'keruta.run-id',
  taskId: 'keruta.task-id',
  attempt: 'keruta.attempt',
  /** base directory of the agent that made the container */
  agent: 'keruta.agent',
  /** directory of the run */
  directory: 'keruta.run-directory',
  /** on containers that are never started, made for a look at an image: who looks */
  look: 'keruta.look',
} as const;

/**
 * The name of a run's container: one directory has one name, so the engine itself refuses a second container for it.
 * @param directory  of the run: `<base>/runs/<task>.<attempt>`
 */
export function containerName(directory: string): string {
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 12);
  const words = basename(directory)
    .replace(/[^A-Za-z0-9_.-]/g, '_')
    .slice(0, 80);
  return `keruta-${words}-${hash}`;
}

/** The labels of a run's container. */
export function labelsOf(
  run: { readonly directory: string; readonly runId: string },
  baseDirectory: string,
): Readonly<Record<string, string>> {
  const [, taskId = '', attempt = ''] = /^(.*)\.(\d+)$/.exec(basename(run.directory)) ?? [];
  return {
    [label.runId]: run.runId,
    [label.taskId]: taskId,
    [label.attempt]: attempt,
    [label.agent]: baseDirectory,
    [label.directory]: run.directory,
  };
}
