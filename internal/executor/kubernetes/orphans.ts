import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../../../pkg/kubernetes/cluster.ts';
import { runFile } from '../shim/run-files.ts';
import { label } from './job-name.ts';

/**
 * Deletes what agents of a base directory left in the cluster: jobs whose run directory is gone, running or not. Jobs of
 * others are never touched.
 * @param agent  @see agentLabel
 * @returns how many were deleted
 */
export async function removeOrphans(cluster: Cluster, agent: string): Promise<number> {
  const { items } = await cluster.list('jobs', `${label.agent}=${agent}`);
  const orphans = items.filter(({ metadata }) => {
    const directory = metadata.annotations[label.directory];
    // one whose run was not brought to its end yet still knows how that was
    return directory !== undefined && !existsSync(join(directory, runFile.spec));
  });
  for (const { metadata } of orphans) await cluster.deleteJob(metadata.name);
  return orphans.length;
}
