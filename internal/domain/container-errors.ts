import type { ErrorRow } from './error-table.ts';

/** Errors of running scripts in containers and pods: rows of the table of errors. */
export const containerErrors = {
  KERUTA_ERR_ENGINE_UNAVAILABLE: {
    kind: 'unavailable',
    doc: 'The container engine cannot be reached, or does not answer in time.',
  },
  KERUTA_ERR_ENGINE_DENIED: {
    kind: 'denied',
    http: 403,
    doc: 'The agent’s user may not speak to the container engine.',
  },
  KERUTA_ERR_LIMITS: {
    kind: 'denied',
    http: 403,
    doc: 'Limits of scripts were asked for, and the agent’s user may make no control groups.',
  },
  KERUTA_ERR_IMAGE_MISSING: { kind: 'not-found', doc: 'The container engine does not have the image.' },
  KERUTA_ERR_IMAGE_UNFIT: {
    kind: 'input',
    doc: 'The image has not what every run needs: a shell, cat, sleep, mkfifo.',
  },
  KERUTA_ERR_CONTAINER_REFUSED: {
    kind: 'input',
    doc: 'The container engine does not make or start a container of this kind; the message quotes it.',
  },
  KERUTA_ERR_CLUSTER_UNAVAILABLE: {
    kind: 'unavailable',
    doc: 'The Kubernetes cluster cannot be reached, or answers with faults of its own.',
  },
  KERUTA_ERR_CLUSTER_DENIED: {
    kind: 'denied',
    http: 403,
    doc: 'The agent’s account may not do in the Kubernetes cluster what a run needs.',
  },
  KERUTA_ERR_JOB_REFUSED: {
    kind: 'input',
    doc: 'The Kubernetes cluster does not make or start a job of this kind; the message quotes it.',
  },
  KERUTA_ERR_POD_UNSCHEDULABLE: {
    kind: 'unavailable',
    doc: 'No node of the Kubernetes cluster had room for the pod of a run in time; the message quotes the scheduler.',
  },
  KERUTA_ERR_POD_NOT_STARTED: {
    kind: 'unavailable',
    doc: 'The pod of a run did not begin in time, or was deleted or evicted before the script began.',
  },
  KERUTA_ERR_IMAGE_PULL: {
    kind: 'unavailable',
    doc: 'The node of the Kubernetes cluster cannot get the image; the message quotes it.',
  },
} as const satisfies Record<string, ErrorRow>;
