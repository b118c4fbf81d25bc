/** Makes the job of a run whose directory is written, and waits until its script has begun. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Cluster } from '../../../pkg/kubernetes/cluster.ts';
import { hasStatus } from '../../../pkg/kubernetes/cluster-error.ts';
import type { Pod } from '../../../pkg/kubernetes/shapes.ts';
import { runFile } from '../shim/run-files.ts';
import type { jobBody } from './job-body.ts';
import type { JobWatch } from './job-watch.ts';
import { PodLogTail } from './pod-log-tail.ts';
import { hasEnded, type StartFault, startFaultOf } from './pod-state.ts';

/** Which job. */
export interface JobStart {
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly watch: JobWatch;
  readonly body: ReturnType<typeof jobBody>;
  /** of the run */
  readonly directory: string;
  /** how long the pod may take; ms */
  readonly timeoutMs: number;
}

/** What became of a start; null: the script has begun. */
export type StartFailure = {
  readonly fault: StartFault;
  readonly log: string;
  readonly waitedMs: number;
} | null;

/** How often the run directory is looked at, and the cluster asked meanwhile; ms. */
const [againMs, askEveryMs] = [20, 1_000];
/** For how long a fault that may pass is given the time to, where the whole time would be too long; ms. */
const passMs = 30_000;
/** How long a file may take from a pod that has ended to be seen here; ms. */
const seenMs = 2_000;

/**
 * Starts it, and waits until the shim has taken the run. A job of this name that is there already is ours: the answer to
 * an earlier request was lost, or another start of the same run came first.
 * @throws {ClusterError}
 */
export async function startJob(start: JobStart): Promise<StartFailure> {
  const { cluster, watch, body } = start;
  watch.start();
  try {
    await cluster.createJob(body);
  } catch (error) {
    if (!hasStatus(error, 409)) throw error;
  }
  return waitForShim(start);
}

async function waitForShim({
  clock,
  cluster,
  watch,
  body,
  directory,
  timeoutMs,
}: JobStart): Promise<StartFailure> {
  const job = body.metadata.name;
  const hasBegun = () => existsSync(join(directory, runFile.shim));
  const tail = new PodLogTail({ clock, cluster });
  const from = clock.monotonicMs();
  let askAt = from + askEveryMs;
  let faultSince: number | null = null;
  try {
    for (;;) {
      if (hasBegun()) return null;
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
        if (hasBegun()) return null;
        const log = await tail.end();
        return { fault: fault ?? late(pod), log, waitedMs };
      }
      await clock.sleep(againMs);
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
