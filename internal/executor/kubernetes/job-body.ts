/** The job of a run, as the cluster gets it. Nothing in it is secret: whoever may look at jobs reads all of it. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { getgid, getuid } from 'node:process';
import { InputError } from '../../domain/errors.ts';
import { runFile } from '../shim/run-files.ts';
import { jobName, marksOf } from './job-name.ts';
import type { KubernetesOptions, SharedVolume } from './kubernetes-options.ts';

/** What a job is made for. */
export interface JobRun {
  readonly directory: string;
  readonly runId: string;
  readonly workingDirectory: string;
  /** program and arguments of the pod's first process */
  readonly command: readonly string[];
}

/** Name of the container in its pod. */
export const containerName = 'script';

/**
 * From when a pod is asked to go until what runs in it is killed; seconds. A run that keruta ends was ended before, from
 * inside: this is for pods that somebody else deletes, whose shim is deaf to the first signal.
 */
const graceSeconds = 10;

/** @throws {InputError} KERUTA_ERR_JOB_REFUSED for a directory that pods do not have */
export function jobBody(run: JobRun, options: KubernetesOptions, namespace: string) {
  const { labels, annotations } = marksOf(run, options);
  const metadata = { labels, annotations };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: jobName(run), namespace, ...metadata },
    spec: {
      // one attempt is one pod: who tries again is the server
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      ttlSecondsAfterFinished: options.ttlSeconds,
      template: { metadata, spec: podSpec(run, options) },
    },
  };
}

function podSpec(run: JobRun, options: KubernetesOptions) {
  const { image, imagePullPolicy, secrets = [], volume } = options;
  const [uid, gid] = [getuid?.() ?? 0, getgid?.() ?? 0];
  const files = secrets.filter(({ mountPath }) => mountPath !== null);
  const variables = secrets.filter(({ mountPath }) => mountPath === null);
  return {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: graceSeconds,
    enableServiceLinks: false,
    ...podPlace(options),
    securityContext: {
      runAsUser: uid,
      runAsGroup: gid,
      fsGroup: gid,
      fsGroupChangePolicy: 'OnRootMismatch',
      ...(uid === 0 ? {} : { runAsNonRoot: true }),
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumes: [
      { name: 'work', persistentVolumeClaim: { claimName: volume.claim } },
      // FIFOs are for processes of one machine, and not every file system has them
      { name: 'pipes', emptyDir: {} },
      ...files.map(({ name }, index) => ({ name: `secret-${index}`, secret: { secretName: name } })),
    ],
    containers: [
      {
        name: containerName,
        image,
        ...(imagePullPolicy ? { imagePullPolicy } : {}),
        command: run.command,
        workingDir: run.directory,
        ...(variables.length === 0
          ? {}
          : { envFrom: variables.map(({ name }) => ({ secretRef: { name } })) }),
        resources: resourcesOf(options),
        securityContext: withoutRights,
        volumeMounts: [
          ...mountsOf(run, options),
          { name: 'pipes', mountPath: join(run.directory, runFile.pipes) },
          ...files.map(({ mountPath }, index) => ({
            name: `secret-${index}`,
            mountPath: mountPath ?? '',
            readOnly: true,
          })),
        ],
      },
    ],
  };
}

/** Whose a pod is, and where it may be. */
export function podPlace({
  serviceAccount,
  nodeSelector,
}: Pick<KubernetesOptions, 'serviceAccount' | 'nodeSelector'>) {
  return {
    ...(serviceAccount ? { serviceAccountName: serviceAccount } : { automountServiceAccountToken: false }),
    ...(nodeSelector && Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
  };
}

/** What a container may not. */
export const withoutRights = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };

/** Of the volume a pod has what its run needs, and not what is other runs' business. */
function mountsOf(run: JobRun, { volume, shared = [] }: KubernetesOptions) {
  const own = [run.directory, run.workingDirectory];
  for (const path of own) {
    if (subPathOf(path, volume) !== null) continue;
    throw new InputError(
      'KERUTA_ERR_JOB_REFUSED',
      `${path} is not on the volume that pods share with the agent (${volume.claim}, mounted at ${volume.mountPath}); put the base directory and the working directory there, see kubernetes.volume_mount`,
    );
  }
  // where there is nothing yet, the node would make it
  const places = new Map(shared.filter(({ path }) => existsSync(path)).map((one) => [one.path, one]));
  for (const path of own) places.set(path, { path, readOnly: false });
  return [...places.values()].flatMap(({ path, readOnly }) => {
    const subPath = subPathOf(path, volume);
    if (subPath === null) return [];
    const place = { name: 'work', mountPath: path, ...(subPath === '' ? {} : { subPath }) };
    return [readOnly ? { ...place, readOnly } : place];
  });
}

/** Where a path lies in the whole volume; null: elsewhere. */
export function subPathOf(path: string, { mountPath, subPath }: SharedVolume): string | null {
  const inside = relative(mountPath, path);
  return inside === '..' || inside.startsWith('../') ? null : join(subPath, inside).replace(/^\.$/, '');
}

/** Limits of a container, which are asked for as well. */
export function resourcesOf({ memoryBytes, cpus }: Pick<KubernetesOptions, 'memoryBytes' | 'cpus'>) {
  const limits = {
    ...(memoryBytes ? { memory: String(memoryBytes) } : {}),
    ...(cpus ? { cpu: String(cpus) } : {}),
  };
  return Object.keys(limits).length === 0 ? {} : { limits, requests: limits };
}
