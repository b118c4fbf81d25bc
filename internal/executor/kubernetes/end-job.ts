import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Cluster } from '../../../pkg/kubernetes/cluster.ts';
import { isUnreachable } from '../../../pkg/kubernetes/cluster-error.ts';
import { UnavailableError } from '../../domain/errors.ts';
import { explain } from './cluster-faults.ts';

/** Which job is meant. */
export interface JobEnd {
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly job: string;
}

/** How long a job that is being deleted may take to be gone, its pod's last seconds included; ms. */
const goneMs = 60_000;
const [firstPauseMs, longestPauseMs] = [50, 1_000];

/**
 * Deletes a job and its pods, and waits until they are gone; one that is not there is done.
 * @param patienceMs  for how long a cluster that is away is asked again
 * @throws {UnavailableError} KERUTA_ERR_CLUSTER_UNAVAILABLE, {DeniedError} KERUTA_ERR_CLUSTER_DENIED
 */
export async function endJob({ clock, cluster, job }: JobEnd, patienceMs: number): Promise<void> {
  const from = clock.monotonicMs();
  const forMs = () => clock.monotonicMs() - from;
  let isAsked = false;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      // a second request would change nothing: what is being deleted waits for its pods
      if (!isAsked && !(await cluster.deleteJob(job))) return;
      isAsked = true;
      if ((await cluster.getJob(job)) === null) return;
      if (forMs() >= goneMs) {
        throw new UnavailableError(
          'KERUTA_ERR_CLUSTER_UNAVAILABLE',
          `the cluster has not deleted the job ${job} within ${goneMs / 1000} s; its node may be lost: kubectl -n ${cluster.namespace} describe pod -l keruta.run=${job}`,
        );
      }
    } catch (error) {
      if (!isUnreachable(error) || forMs() >= patienceMs) throw explain(error);
    }
    await clock.sleep(pauseMs);
  }
}
