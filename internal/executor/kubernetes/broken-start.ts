/** What became of a start that may have been broken off: by a dead agent, or by the pod itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Cluster } from '../../../pkg/kubernetes/cluster.ts';
import { isUnreachable } from '../../../pkg/kubernetes/cluster-error.ts';
import { runFile } from '../shim/run-files.ts';
import { endJob } from './end-job.ts';
import type { JobWatch } from './job-watch.ts';

/** Which start is meant. */
export interface BrokenStart {
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly watch: JobWatch;
  readonly job: string;
  /** of the run */
  readonly directory: string;
  /** when the run's record was written; epoch ms */
  readonly createdAt: number;
}

/** How long a request that is on its way to the cluster may take to be seen; ms. */
const claimMs = 2_000;
/** How long a shim may take to say so once its pod runs, and its file to be seen here; ms. */
const shimMs = 30_000;
/** For how long a cluster that is away is waited for; ms. */
const patienceMs = 300_000;
const againMs = 50;

/**
 * Waits until it is certain whether a start went through. A job whose pod does not run yet, or whose pod ended before the
 * script began, is deleted: a later start makes another one.
 * @returns whether the run has begun
 * @throws {ClusterError} when the cluster stays away
 */
export async function settleStart({
  clock,
  cluster,
  watch,
  job,
  directory,
  createdAt,
}: BrokenStart): Promise<boolean> {
  const hasBegun = () => existsSync(join(directory, runFile.shim));
  const from = clock.monotonicMs();
  for (let pauseMs = againMs; ; pauseMs = Math.min(1_000, pauseMs * 2)) {
    if (hasBegun()) return true;
    try {
      const { sight, hasJob } = await watch.look(job);
      const ageMs = clock.now() - createdAt;
      const isFresh = ageMs >= 0 && ageMs < claimMs;
      const mayBegin = sight === 'alive' ? clock.monotonicMs() - from < shimMs : isFresh;
      if (hasBegun()) return true;
      if (!mayBegin) {
        if (hasJob) await endJob({ clock, cluster, job }, patienceMs);
        return hasBegun();
      }
    } catch (error) {
      if (!isUnreachable(error) || clock.monotonicMs() - from >= patienceMs) throw error;
    }
    await clock.sleep(pauseMs);
  }
}
