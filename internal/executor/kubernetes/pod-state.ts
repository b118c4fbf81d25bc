/** What the state of a pod means for its run. Pure. */
import type { Pod } from '../../../pkg/kubernetes/shapes.ts';
import { entryExit } from './entry-script.ts';

/** Why nothing of a run is alive any more. */
export type GoneCause = 'ended' | 'oom' | 'evicted' | 'deleted';

/** What is seen of a run's pods: `coming`, `alive`, or why there is none that lives. */
export type PodSight = 'coming' | 'alive' | GoneCause;

/** Whether a pod will never run anything again. */
export function hasEnded({ status }: Pod): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed';
}

/** What one pod is like, or was when it was seen last. */
export function sightOf(pod: Pod): PodSight {
  const [state] = pod.status.containerStatuses.map((container) => container.state);
  if (!hasEnded(pod)) return pod.status.phase === 'Pending' ? 'coming' : 'alive';
  if (state?.terminated?.reason === 'OOMKilled') return 'oom';
  if (isEvicted(pod)) return 'evicted';
  return pod.metadata.deletionTimestamp || isDisrupted(pod) ? 'deleted' : 'ended';
}

/** Why a pod that is not there any more has gone, by what was seen of it last. */
export function causeOfGone(pod: Pod | null): GoneCause {
  if (pod === null) return 'deleted';
  const sight = sightOf(pod);
  if (sight !== 'coming' && sight !== 'alive') return sight;
  return isEvicted(pod) ? 'evicted' : 'deleted';
}

/** By the node, or because somebody empties it or needs its room. */
function isEvicted({ status }: Pod): boolean {
  const reasons = status.conditions
    .filter(({ type }) => type === 'DisruptionTarget')
    .map(({ reason }) => reason);
  const known = ['EvictionByEvictionAPI', 'PreemptionByScheduler', 'TerminationByKubelet'];
  return status.reason === 'Evicted' || reasons.some((reason) => known.includes(reason));
}

function isDisrupted({ status }: Pod): boolean {
  return status.reason === 'NodeLost' || status.conditions.some(({ type }) => type === 'DisruptionTarget');
}

/** Why a pod does not begin its script. */
export interface StartFault {
  readonly kind:
    | 'unschedulable'
    | 'image-pull'
    | 'image-unfit'
    | 'interpreter'
    | 'refused'
    | 'no-environment'
    | 'lost'
    | 'not-begun';
  /** what the cluster said */
  readonly message: string;
  /** whether waiting longer may help */
  readonly mayPass: boolean;
}

const pullFaults: Readonly<Record<string, boolean>> = {
  // first ErrImagePull, then, after a pause, another try
  ErrImagePull: true,
  RegistryUnavailable: true,
  ImagePullBackOff: false,
  ErrImageNeverPull: false,
  InvalidImageName: false,
  ImageInspectError: false,
};
/** What container engines say of a program that is not in the image. */
const noSuchProgram = /executable file not found|no such file or directory|exec format error/;

/** @returns null while all is well */
export function startFaultOf({ status }: Pod): StartFault | null {
  // of those that come first, the one that is not done yet
  const initial = status.initContainerStatuses.find(({ state }) => state.terminated?.exitCode !== 0);
  const container = initial ?? status.containerStatuses[0];
  const { waiting, terminated } = container?.state ?? {};
  const fault = (kind: StartFault['kind'], message: string, mayPass = false) => ({ kind, message, mayPass });
  if (waiting) {
    const message = waiting.message || waiting.reason;
    const pull = pullFaults[waiting.reason];
    if (pull !== undefined) return fault('image-pull', message, pull);
    if (noSuchProgram.test(message)) return fault('image-unfit', message);
    if (/^Create(Container|PodSandbox)|^RunContainerError/.test(waiting.reason))
      return fault('refused', message);
  }
  if (terminated) {
    const { exitCode, reason, message } = terminated;
    if (noSuchProgram.test(message)) return fault('image-unfit', message);
    if (exitCode === entryExit.programs) return fault('image-unfit', message || 'it lacks a program');
    if (exitCode === entryExit.secret) return fault('refused', message || 'it lacks a Secret');
    if (exitCode === entryExit.interpreter) return fault('interpreter', '');
    if (exitCode === entryExit.environment) return fault('no-environment', '');
    if (/^(StartError|ContainerCannotRun)$/.test(reason)) return fault('refused', message || reason);
    return fault(
      'not-begun',
      `${reason || 'it ended'}, exit code ${exitCode}${message ? `: ${message}` : ''}`,
    );
  }
  if (status.phase === 'Failed') return fault('lost', status.message || status.reason || 'the pod failed');
  const unscheduled = status.conditions.find(
    ({ type, status: is, reason }) => type === 'PodScheduled' && is === 'False' && reason === 'Unschedulable',
  );
  return unscheduled === undefined ? null : fault('unschedulable', unscheduled.message, true);
}
