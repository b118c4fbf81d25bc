/** What a cluster's refusals mean for whoever wanted a run. */
import { ClusterError } from '../../../pkg/kubernetes/cluster-error.ts';
import { DeniedError, InputError, type KerutaError, UnavailableError } from '../../domain/errors.ts';
import type { StartFault } from './pod-state.ts';

/**
 * A cluster's error as one that a person can do something about; everything else as it is.
 * @param role  how an account gets its rights
 */
export function explain(error: unknown, role = ofExecutor.role): unknown {
  if (!(error instanceof ClusterError)) return error;
  const options = { cause: error };
  if (error.kind === 'denied') {
    return new DeniedError('KERUTA_ERR_CLUSTER_DENIED', `${error.message}; ${role}`, options);
  }
  if (error.kind === 'unreachable') {
    return new UnavailableError(
      'KERUTA_ERR_CLUSTER_UNAVAILABLE',
      `${error.message}; the task can be tried again once the cluster answers`,
      options,
    );
  }
  return new InputError('KERUTA_ERR_JOB_REFUSED', error.message, options);
}

/** How faults of a start are mended: by the settings of whoever makes pods. */
export interface StartAdvice {
  readonly role: string;
  /** that which asks for memory, processors and nodes */
  readonly sizes: string;
  readonly image: string;
  /** programs that the image has to have */
  readonly programs: string;
}

const ofExecutor: StartAdvice = {
  role: 'give the agent’s account the role of deploy/kubernetes/executor.yaml; `keruta doctor` says what is missing',
  sizes: 'kubernetes.memory, cpus, node_selector',
  image: 'kubernetes.image',
  programs: 'no shell (sh), no cat, no sleep or no mkfifo',
};

/** What a pod was to do. */
export interface FaultyStart {
  readonly job: string;
  readonly namespace: string;
  readonly image: string;
  readonly fault: StartFault;
  /** how long it was waited for; ms */
  readonly waitedMs: number;
  /** the last lines of the pod's own log; `''` when it has none */
  readonly log: string;
}

/** Says why the script of a run did not begin; for all faults but that of a missing interpreter. */
export function startFailed(
  { job, namespace, image, fault, waitedMs, log }: FaultyStart,
  advice = ofExecutor,
): KerutaError {
  const { kind, message } = fault;
  const details = { details: { job, namespace } };
  const look = `kubectl -n ${namespace} describe job,pod -l keruta.run=${job}`;
  const within = `within ${Math.round(waitedMs / 1000)} s`;
  const said = log === '' ? '' : `; its log ends with: ${log}`;
  if (kind === 'unschedulable') {
    return new UnavailableError(
      'KERUTA_ERR_POD_UNSCHEDULABLE',
      `no node took the pod of the job ${job} ${within}: ${message}; ask for less (${advice.sizes}), or wait longer (kubernetes.start_timeout)`,
      details,
    );
  }
  if (kind === 'image-pull') {
    return new UnavailableError(
      'KERUTA_ERR_IMAGE_PULL',
      `the node cannot get the image ${image} of the job ${job}: ${message}; see ${advice.image}, and whether the service account may pull it`,
      details,
    );
  }
  if (kind === 'image-unfit') {
    return new InputError(
      'KERUTA_ERR_IMAGE_UNFIT',
      `the image ${image} has ${advice.programs}, which every run needs: ${message}${said}; take an image that has them`,
      details,
    );
  }
  if (kind === 'refused' || kind === 'no-environment') {
    const why =
      kind === 'refused'
        ? message
        : 'its user cannot read and write the run directory; the volume has to be the one that the agent sees, and to keep its owners';
    return new InputError(
      'KERUTA_ERR_JOB_REFUSED',
      `the pod of the job ${job} cannot be started: ${why}${said}`,
      details,
    );
  }
  return new UnavailableError(
    'KERUTA_ERR_POD_NOT_STARTED',
    `the pod of the job ${job} did not begin ${within}: ${message}${said}; look with \`${look}\`; the task can be tried again`,
    details,
  );
}
