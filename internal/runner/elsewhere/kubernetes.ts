/**
 * Runners in pods of a cluster, one job a task. Nothing is shared with a pod: what it needs comes by a Secret that is deleted as soon as it
 * is taken, and what it prints, tells and makes comes back as lines of its log, which is followed. A runner whose starter was killed goes on;
 * a second start finds its job by the key in the directory of the task, and follows from the beginning.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster } from '../../../pkg/kubernetes/cluster.ts';
import { hasStatus } from '../../../pkg/kubernetes/cluster-error.ts';
import { followLog } from '../../../pkg/kubernetes/follow-log.ts';
import type { Pod } from '../../../pkg/kubernetes/shapes.ts';
import { InputError } from '../../domain/errors.ts';
import { explain, startFailed } from '../../executor/kubernetes/cluster-faults.ts';
import { endJob } from '../../executor/kubernetes/end-job.ts';
import { label } from '../../executor/kubernetes/job-name.ts';
import { JobWatch } from '../../executor/kubernetes/job-watch.ts';
import { hasEnded } from '../../executor/kubernetes/pod-state.ts';
import { startJob, waitForStart } from '../../executor/kubernetes/start-job.ts';
import { resultFile } from '../do-task.ts';
import { RelayReceiver } from '../relay/relay-receiver.ts';
import type { Elsewhere, RunnerEnd, RunnerJob } from './elsewhere.ts';
import { keepResult } from './kept-result.ts';
import { advice, type KubernetesPlace, runnerContainer } from './kubernetes-place.ts';
import { lastSight, lostPlace } from './pod-end.ts';
import {
  graceSeconds,
  mailboxOf,
  type RunnerPod,
  rootsOf,
  runnerJobBody,
  runnerPod,
  secretBody,
} from './runner-job.ts';
import { whileStoppable } from './while-stoppable.ts';

/** How long a runner that was asked to end may take, until nobody listens any more; ms. */
const stopMs = (graceSeconds + 10) * 1000;
/** For how long a cluster that is away is asked to delete what is left; ms. */
const patienceMs = 10_000;
/** How often the log of a pod that has ended is read once more, when the last word has not come. */
const maxRereads = 3;

/** What one runner in a pod is worked on with. */
interface Work {
  readonly place: KubernetesPlace;
  readonly cluster: Cluster;
  readonly watch: JobWatch;
  readonly job: RunnerJob;
  readonly pod: RunnerPod;
  readonly key: string;
}

/** Makes the place. Nothing is asked before the first call. */
export function kubernetesElsewhere(place: KubernetesPlace): Elsewhere {
  const { access, clock, image, log, namespace, userAgent, startTimeoutMs } = place;
  return {
    name: `a pod of the image ${image}`,
    startTimeoutMs,
    run: async (job) => {
      const cluster = new Cluster({ access, clock, namespace, userAgent });
      const key = keyOf(place, job);
      const name = `keruta-runner-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
      const watch = new JobWatch({ cluster, clock, log, selector: `${label.run}=${name}` });
      try {
        const pod = runnerPod(job, { name, namespace, key });
        return await runIn({ place, cluster, watch, job, pod, key });
      } catch (error) {
        throw explain(error, advice.role);
      } finally {
        await watch.stop();
        await cluster.close();
      }
    },
  };
}

/** One task has one key, and so one name in the cluster, wherever it was begun. */
function keyOf({ random }: KubernetesPlace, { directory }: RunnerJob): string {
  const file = join(directory, 'relay-key');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (!existsSync(file)) writeFileSync(file, random.uuid4(), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

async function runIn(work: Work): Promise<RunnerEnd> {
  const { place, cluster, watch, job, pod } = work;
  const { clock, log } = place;
  watch.start();
  try {
    for (let isFirst = true; ; isFirst = false) {
      const isTakenUp = !(await begin(work));
      // what an earlier start did is gone with its pod
      if (!isTakenUp) rmSync(join(job.directory, 'journal.json'), { force: true });
      const receiver = receiverOf(work);
      try {
        const end = await follow(work, receiver);
        if (end !== 'without-result' || !isTakenUp || !isFirst) return await settle(work, receiver);
        // of an earlier start, which nobody saw the end of: begun anew
        await endJob({ clock, cluster, job: pod.name }, patienceMs);
      } finally {
        receiver.close();
      }
    }
  } catch (error) {
    if (job.signal.aborted) return { exitCode: 130, wasOutOfMemory: false };
    throw error;
  } finally {
    await endJob({ clock, cluster, job: pod.name }, patienceMs)
      .then(() => cluster.deleteSecret(pod.name))
      .catch((error: unknown) => {
        const said = error instanceof Error ? error.message : String(error);
        const hint = `kubectl -n ${cluster.namespace} delete job,secret ${pod.name}`;
        log.warn('the job of the task could not be deleted', { job: pod.name, error: said, hint });
      });
  }
}

/** Has the job there, with what it takes, and waits until the runner begins. @returns whether it was made now */
async function begin(work: Work): Promise<boolean> {
  const { place, cluster, watch, job, pod } = work;
  const { clock, image, startTimeoutMs: timeoutMs } = place;
  const { name, namespace } = pod;
  const body = runnerJobBody(job, place, pod);
  let made = await startJob(cluster, body);
  const isNew = made !== null;
  made ??= await cluster.getJob(name);
  if (made === null || made.metadata.deletionTimestamp) {
    // an earlier start is being cleaned up
    await endJob({ clock, cluster, job: name }, patienceMs);
    return begin(work);
  }
  const begun = isNew ? null : (await watch.look(name)).pod;
  if (begun === null || !hasBegun(begun)) {
    await cluster.createSecret(secretBody(pod, made)).catch((error: unknown) => {
      if (!hasStatus(error, 409)) throw error;
    });
    const failure = await waitForStart({
      ...{ clock, cluster, watch, job: name, hasBegun, timeoutMs, container: runnerContainer },
      signal: job.signal,
    });
    if (failure !== null) throw startFailed({ job: name, namespace, image, ...failure }, advice);
  }
  await cluster.deleteSecret(name);
  return isNew;
}

const hasBegun = (pod: Pod | null) =>
  pod?.status.containerStatuses.some(({ name, state }) => {
    return name === runnerContainer && Boolean(state.running || state.terminated);
  }) === true;

function receiverOf({ place, job, key }: Work): RelayReceiver {
  return new RelayReceiver({
    ...{ log: place.log, key, roots: rootsOf(job), mailbox: mailboxOf(job), output: job.output },
    keptBack: join(job.directory, resultFile),
    directory: join(job.directory, 'relayed'),
  });
}

/** Takes everything that comes until nothing more will. */
async function follow(
  { place: { clock }, cluster, watch, job, pod: { name } }: Work,
  receiver: RelayReceiver,
): Promise<'with-result' | 'without-result'> {
  const over = new AbortController();
  let rereads = maxRereads;
  const mayGoOn = () => {
    if (receiver.end !== null) return false;
    const [pod] = watch.podsOf(name);
    if (pod === undefined && watch.isCurrent) return false;
    if (pod !== undefined && hasEnded(pod)) rereads -= 1;
    return rereads >= 0;
  };
  const podName = watch.podsOf(name)[0]?.metadata.name ?? (await watch.look(name)).pod?.metadata.name ?? '';
  const lines = followLog({
    ...{ cluster, clock, pod: podName, container: runnerContainer, mayGoOn, signal: over.signal },
  });
  const stopping = {
    ...{ clock, signal: job.signal, stopMs },
    // the pod is asked to end before it goes
    ask: () => cluster.deleteJob(name),
    force: async () => over.abort(),
  };
  await whileStoppable(stopping, async () => {
    for await (const line of lines) await receiver.take(line);
  });
  return receiver.keptBack === null ? 'without-result' : 'with-result';
}

/** Finds out how it ended, and keeps its result when that is the end of the task. */
async function settle(work: Work, receiver: RelayReceiver): Promise<RunnerEnd> {
  const { place, job, pod } = work;
  const { missing, lost, end, keptBack } = receiver;
  if (missing > 0)
    place.log.warn('lines of the runner have not come: its cluster had thrown them away', { lines: missing });
  const isDone =
    keptBack !== null && (JSON.parse(keptBack) as { readonly success?: unknown }).success === true;
  const seen = isDone || job.signal.aborted ? null : await lastSight(work);
  const fault = seen === null ? null : lostPlace(seen, { job: pod.name, namespace: pod.namespace });
  if (fault !== null) throw fault;
  if (!receiver.hasBegun && !job.signal.aborted)
    throw new InputError(
      'KERUTA_ERR_IMAGE_UNFIT',
      `the keruta of the image ${place.image} does not hand over what it does (exit code ${seen?.exitCode ?? 'not known'}): expected version ${place.userAgent.replace(/^.*\//, '')}; what it printed says more`,
      { details: { image: place.image } },
    );
  if (keptBack !== null) keepResult(job.directory, keptBack, lost);
  const exitCode = end?.exitCode ?? seen?.exitCode ?? 130;
  return { exitCode, wasOutOfMemory: end?.wasOutOfMemory === true || seen?.sight === 'oom' };
}
