/** Makes a job, and waits until that has begun for which it was made. */
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Cluster, NamedBody } from '../../../pkg/kubernetes/cluster.ts';
import { hasStatus } from '../../../pkg/kubernetes/cluster-error.ts';
import type { Job, Pod } from '../../../pkg/kubernetes/shapes.ts';
import type { JobWatch } from './job-watch.ts';
import { PodLogTail } from './pod-log-tail.ts';
import { hasEnded, type StartFault, startFaultOf } from './pod-state.ts';

/** Which start is waited for. */
export interface JobStart {
  readonly clock: Clock;
  readonly cluster: Cluster;
  /** begun */
  readonly watch: JobWatch;
  /** name of the job */
  readonly job: string;
  /** name of the container that is waited for */
  readonly container: string;
  /** asked often, with the pod as far as it is known */
  readonly hasBegun: (pod: Pod | null) => boolean;
  /** how long the pod may take; ms */
  readonly timeoutMs: number;
  /** aborted: the wait rejects with its reason */
  readonly signal?: AbortSignal;
}

/** What became of a start; null: it has begun. */
export type StartFailure = {
  readonly fault: StartFault;
  readonly log: string;
  readonly waitedMs: number;
} | null;

/** How often it is looked whether it has begun, and the cluster asked meanwhile; ms. */
const [againMs, askEveryMs] = [20, 1_000];
/** For how long a fault that may pass is given the time to, where the whole time would be too long; ms. */
const passMs = 30_000;
/** How long a file may take from a pod that has ended to be seen here; ms. */
const seenMs = 2_000;

/**
 * Makes the job. One of this name that is there already is ours: the answer to an earlier request was lost, or another
 * start of the same run came first.
 * @returns null when it was there
 * @throws {ClusterError}
 */
export async function startJob(cluster: Cluster, body: NamedBody): Promise<Job | null> {
  try {
    return await cluster.createJob(body);
  } catch (error) {
    if (!hasStatus(error, 409)) throw error;
    return null;
  }
}

/** Waits until the pod of a job has begun what it is for, or never will. */
export async function waitForStart(start: JobStart): Promise<StartFailure> {
  const { clock, cluster, watch, job, container, hasBegun, timeoutMs, signal } = start;
  const tail = new PodLogTail({ clock, cluster, container });
  const from = clock.monotonicMs();
  let askAt = from + askEveryMs;
  let faultSince: number | null = null;
  try {
    for (;;) {
      if (hasBegun(watch.podsOf(job)[0] ?? null)) return null;
      const now = clock.monotonicMs();
      const waitedMs = now - from;
      let pod: Pod | null = watch.podsOf(job)[0] ?? null;
      let isLost = false;
      if (now >= askAt) {
        askAt = now + askEveryMs;
        // a cluster that is away for a while does not end a start that may be on its way
        const seen = await watch.look(job).catch(() => null);
        pod = seen?.pod ?? pod;
        isLost = seen !== null && !seen.hasJob;
      }
      if (pod !== null) tail.follow(pod);
      const fault = isLost ? lost('somebody deleted it') : pod === null ? null : startFaultOf(pod);
      faultSince = fault === null ? null : (faultSince ?? now);
      const isOver = fault !== null && isFinal(fault, now - (faultSince ?? now), pod);
      if (isOver || waitedMs >= timeoutMs) {
        if (hasBegun(pod)) return null;
        const log = await tail.end();
        return { fault: fault ?? late(pod), log, waitedMs };
      }
      await clock.sleep(againMs, signal);
    }
  } finally {
    await tail.end();
  }
}

function isFinal(fault: StartFault, forMs: number, pod: Pod | null): boolean {
  if (fault.kind === 'image-pull' && fault.mayPass) return forMs >= passMs;
  if (fault.mayPass) return false;
  // the shim may have begun and ended, and its files are on their way
  return pod !== null && hasEnded(pod) ? forMs >= seenMs || pod.status.phase === 'Failed' : true;
}

const lost = (message: string): StartFault => ({ kind: 'lost', message, mayPass: false });

function late(pod: Pod | null): StartFault {
  const message =
    pod === null
      ? 'the cluster made no pod for it; a quota or a policy may be against it'
      : `its pod is ${pod.status.phase || 'there'}, and no more`;
  return { kind: 'not-begun', message, mayPass: false };
}
