/** How the job of a run is called, and what is written on it. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { KubernetesOptions } from './kubernetes-options.ts';

/** Names of labels and annotations. */
export const label = {
  /** whose it is: a hash, because paths are no values of labels */
  agent: 'keruta.agent',
  /** name of the job, on its pods too */
  run: 'keruta.run',
  taskId: 'keruta.task-id',
  attempt: 'keruta.attempt',
  runId: 'keruta.run-id',
  /** annotation: directory of the run */
  directory: 'keruta.run-directory',
  /** annotation: base directory of the agent */
  baseDirectory: 'keruta.base-directory',
} as const;

const hashOf = (text: string, length: number) =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

/**
 * The name of a run's job: one run has one name, so the cluster itself refuses a second job for it.
 * @param run.directory  `<base>/runs/<task>.<attempt>`
 * @returns a name as Kubernetes has them, also for pods: at most 52 characters
 */
export function jobName({
  directory,
  runId,
}: {
  readonly directory: string;
  readonly runId: string;
}): string {
  const words = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 30)
    .replace(/-$/, '');
  return `keruta-${words || 'run'}-${hashOf(`${directory}\n${runId}`, 12)}`;
}

/** What tells the jobs of one base directory from all others: the directory, and the volume that it lies on. */
export function agentLabel({
  baseDirectory,
  volume,
}: Pick<KubernetesOptions, 'baseDirectory' | 'volume'>): string {
  return hashOf(`${volume.claim}\n${volume.subPath}\n${baseDirectory}`, 32);
}

/** Labels and annotations of a run's job and pod. */
export function marksOf(
  run: { readonly directory: string; readonly runId: string },
  options: Pick<KubernetesOptions, 'baseDirectory' | 'volume'>,
): { readonly labels: Record<string, string>; readonly annotations: Record<string, string> } {
  const [, taskId = '', attempt = ''] = /^(.*)\.(\d+)$/.exec(basename(run.directory)) ?? [];
  const isValue = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
  const ids = Object.entries({ [label.taskId]: taskId, [label.attempt]: attempt, [label.runId]: run.runId });
  return {
    labels: {
      [label.agent]: agentLabel(options),
      [label.run]: jobName(run),
      ...Object.fromEntries(ids.filter(([, value]) => isValue.test(value))),
    },
    annotations: { [label.directory]: run.directory, [label.baseDirectory]: options.baseDirectory },
  };
}
