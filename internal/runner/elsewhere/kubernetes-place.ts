/** What runners in pods are made with. */
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { ClusterAccess } from '../../../pkg/kubernetes/cluster-access.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { Random } from '../../../pkg/random/random.ts';
import type { StartAdvice } from '../../executor/kubernetes/cluster-faults.ts';
import { label } from '../../executor/kubernetes/job-name.ts';
import type { KubernetesOptions, SharedVolume } from '../../executor/kubernetes/kubernetes-options.ts';

/** How runners are put into pods. */
export interface KubernetesPlace
  extends Pick<
    KubernetesOptions,
    'imagePullPolicy' | 'serviceAccount' | 'nodeSelector' | 'ttlSeconds' | 'startTimeoutMs'
  > {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly access: ClusterAccess;
  readonly namespace: string;
  /** what we call ourselves to the cluster */
  readonly userAgent: string;
  readonly image: string;
  /** names of Secrets whose keys become variables of the runner */
  readonly secrets: readonly string[];
  /** on which directories of this machine may lie that pods can have; null: there is none */
  readonly volume: SharedVolume | null;
}

/** What is written on job, pod and Secret of a runner: that it is one, and the name of the job. */
export const labelsOf = (name: string) => ({ 'keruta.runner': 'task', [label.run]: name });

/** Name of the container that the runner is in. */
export const runnerContainer = 'runner';

/** What helps when a pod does not begin. */
export const advice: StartAdvice = {
  role: 'give this account the role of deploy/kubernetes/runner.yaml',
  sizes: 'max_memory_mb, max_cpu_percent, kubernetes.node_selector',
  image: 'k8s_image',
  programs: 'not all of sh, cat, git and keruta',
};
