/** The job of a runner, as the cluster gets it, and the Secret that it takes. Nothing in the job is secret. */
import { readFileSync, statSync } from 'node:fs';
import { getgid, getuid } from 'node:process';
import type { Job } from '../../../pkg/kubernetes/shapes.ts';
import { InputError } from '../../domain/errors.ts';
import { entryExit } from '../../executor/kubernetes/entry-script.ts';
import { podPlace, resourcesOf, subPathOf, withoutRights } from '../../executor/kubernetes/job-body.ts';
import { podEnvironmentText } from '../../executor/kubernetes/pod-environment.ts';
import { runFile } from '../../executor/shim/run-files.ts';
import { relayVariable } from '../relay/frames.ts';
import type { RunnerJob } from './elsewhere.ts';
import { type Handed, handed, homeOf, podScript } from './hand-over.ts';
import { type KubernetesPlace, labelsOf, runnerContainer } from './kubernetes-place.ts';

/** Where what is handed over comes, and where the runner has it. */
const [given, taken, secretsPlace] = ['/run/keruta/given', '/run/keruta/taken', '/run/keruta/secrets'];

/** How long a runner that was asked to end may take: it keeps what there is, and hands it over; seconds. */
export const graceSeconds = 30;

/** What a Secret may hold. @see https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size */
const maxSecretBytes = 1024 ** 2;

/**
 * What runs first, in the same image: it looks whether all is there, and takes what is handed over. Only it has the Secrets, so that no
 * program of the task finds them.
 */
const takeScript = `umask 077
k_lacks=
for k_name in cat git keruta; do
  command -v "$k_name" >/dev/null 2>&1 || k_lacks="$k_lacks $k_name"
done
[ "$k_lacks" ] && { echo "it has no$k_lacks"; exit ${entryExit.programs}; }
for k_secret in "$@"; do
  k_any=
  for k_file in "${secretsPlace}/$k_secret"/*; do
    [ -f "$k_file" ] || continue
    k_any=yes
    mkdir -p "${taken}/secrets/$k_secret" || exit ${entryExit.environment}
    cat "$k_file" >"${taken}/secrets/$k_secret/\${k_file##*/}" || exit ${entryExit.environment}
  done
  [ "$k_any" ] || { echo "there is no Secret $k_secret, or it is empty"; exit ${entryExit.secret}; }
done
for k_file in ${given}/*; do
  cat "$k_file" >"${taken}/\${k_file##*/}" || exit ${entryExit.environment}
done
`;

/** What a runner in a pod is made of. */
export interface RunnerPod {
  readonly name: string;
  readonly namespace: string;
  readonly files: Handed['files'];
  /** arguments of `keruta` */
  readonly words: readonly string[];
  /** programs and keys that are handed over too, by their names in the Secret */
  readonly brought: ReadonlyMap<
    string,
    { readonly path: string; readonly bytes: Uint8Array; readonly isProgram: boolean }
  >;
}

/** Puts together what is handed to a runner. @throws {InputError} KERUTA_ERR_JOB_REFUSED for what no pod can have */
export function runnerPod(
  job: RunnerJob,
  { name, namespace, key }: { readonly name: string; readonly namespace: string; readonly key: string },
): RunnerPod {
  const own = { ...homeOf(job), [relayVariable.wish]: JSON.stringify({ key, masked: job.masked }) };
  const environment = podEnvironmentText({ env: { ...job.env, ...own }, inherited: job.env });
  const { files, words } = handed(job, { directory: taken, environment, script: podScript });
  const brought = new Map(job.readable.map((path, index) => [`file-${index}`, bring(path)]));
  const sizes = [...Object.values(files), ...[...brought.values()].map(({ bytes }) => bytes)].map((one) =>
    Buffer.byteLength(one),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > maxSecretBytes)
    throw refused(
      `the task with its configuration, its environment${brought.size === 0 ? '' : ` and ${[...brought.values()].map(({ path }) => path).join(', ')}`} has ${bytes} bytes, and a Secret holds ${maxSecretBytes}; put what is large into the image`,
    );
  return { name, namespace, files, words, brought };
}

/** The Secret. It goes with its job, when nobody else deletes it before. */
export function secretBody({ name, namespace, files, brought }: RunnerPod, job: Job) {
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: job.metadata.name, uid: job.metadata.uid };
  const all = [
    ...Object.entries(files).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...[...brought].map(([key, { bytes }]) => [key, Buffer.from(bytes)] as const),
  ];
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', immutable: true },
    metadata: { name, namespace, labels: labelsOf(name), ownerReferences: [owner] },
    data: Object.fromEntries(all.map(([key, bytes]) => [key, bytes.toString('base64')])),
  };
}

/** The job: one pod, once. @throws {InputError} KERUTA_ERR_JOB_REFUSED for a directory that pods do not have */
export function runnerJobBody(job: RunnerJob, place: KubernetesPlace, pod: RunnerPod) {
  const { name, namespace } = pod;
  const metadata = { labels: labelsOf(name) };
  const seconds = Math.ceil((job.timeoutMs + place.startTimeoutMs) / 1000) + graceSeconds;
  return {
    ...{ apiVersion: 'batch/v1', kind: 'Job' },
    metadata: { name, namespace, ...metadata },
    spec: {
      ...{ backoffLimit: 0, completions: 1, parallelism: 1 },
      // for who started it was killed, and nobody comes for it
      ...{ activeDeadlineSeconds: seconds, ttlSecondsAfterFinished: place.ttlSeconds },
      template: { metadata, spec: podSpec(job, place, pod) },
    },
  };
}

function podSpec(job: RunnerJob, place: KubernetesPlace, pod: RunnerPod) {
  const { image, imagePullPolicy, secrets } = place;
  const { memoryMb, cpuPercent } = job.limits;
  const common = {
    image,
    ...(imagePullPolicy ? { imagePullPolicy } : {}),
    resources: resourcesOf({
      memoryBytes: memoryMb === null ? null : memoryMb * 1024 ** 2,
      cpus: cpuPercent === null ? null : cpuPercent / 100,
    }),
    securityContext: withoutRights,
  };
  const own = outermost([
    job.directory,
    job.artifactsDirectory,
    ...(job.runDirectory === null ? [] : [job.runDirectory]),
  ]);
  const brought = [...pod.brought].map(([key, { path, isProgram }]) => ({ key, path, isProgram }));
  const shared = job.shared.map((path) => sharedMount(path, place));
  const items = Object.keys(pod.files).map((key) => ({ key, path: key }));
  return {
    ...{ restartPolicy: 'Never', terminationGracePeriodSeconds: graceSeconds, enableServiceLinks: false },
    ...podPlace(place),
    securityContext: podUser(),
    volumes: [
      { name: 'given', secret: { secretName: pod.name, items, defaultMode: 0o444 } },
      { name: 'taken', emptyDir: { medium: 'Memory' } },
      ...secrets.map((secretName, index) => ({
        name: `secret-${index}`,
        // one that is missing would keep the pod waiting without a word
        secret: { secretName, optional: true, defaultMode: 0o444 },
      })),
      ...own.map((_, index) => ({ name: `own-${index}`, emptyDir: {} })),
      ...brought.map(({ key, isProgram }) => ({
        name: key,
        secret: { secretName: pod.name, items: [{ key, path: key, mode: isProgram ? 0o555 : 0o440 }] },
      })),
      ...(shared.length === 0
        ? []
        : [{ name: 'shared', persistentVolumeClaim: { claimName: place.volume?.claim ?? '' } }]),
    ],
    initContainers: [
      {
        ...{ name: 'take', ...common, command: ['sh', '-c', takeScript, 'sh', ...secrets] },
        // what it says goes into a message
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [
          { name: 'given', mountPath: given, readOnly: true },
          { name: 'taken', mountPath: taken },
          ...secrets.map((secret, index) => ({
            ...{ name: `secret-${index}`, mountPath: `${secretsPlace}/${secret}`, readOnly: true },
          })),
        ],
      },
    ],
    containers: [
      {
        ...{ name: runnerContainer, ...common, command: ['sh', './start.sh', 'keruta', ...pod.words] },
        workingDir: taken,
        volumeMounts: [
          { name: 'taken', mountPath: taken },
          ...own.map((mountPath, index) => ({ name: `own-${index}`, mountPath })),
          ...brought.map(({ key, path }) => ({ name: key, mountPath: path, subPath: key, readOnly: true })),
          ...shared,
        ],
      },
    ],
  };
}

/** As who started it, who is nobody special; for root the image says who. */
function podUser() {
  const [uid, gid] = [getuid?.() ?? 0, getgid?.() ?? 0];
  const user = { runAsUser: uid, runAsGroup: gid, fsGroup: gid, runAsNonRoot: true };
  return { ...(uid === 0 ? {} : user), seccompProfile: { type: 'RuntimeDefault' } };
}

/** Without those that lie in others. */
function outermost(paths: readonly string[]): readonly string[] {
  const all = [...new Set(paths)];
  return all.filter((path) => !all.some((other) => other !== path && path.startsWith(`${other}/`)));
}

function sharedMount(path: string, { volume }: KubernetesPlace) {
  const subPath = volume === null ? null : subPathOf(path, volume);
  if (subPath === null)
    throw refused(
      `${path} is a directory of this machine, which a pod does not have; leave it out, so that the runner clones for itself, or name the claim that it lies on (kubernetes.volume_claim, kubernetes.volume_mount)`,
    );
  return { name: 'shared', mountPath: path, ...(subPath === '' ? {} : { subPath }) };
}

function bring(path: string) {
  const stat = statSync(path);
  if (!stat.isFile() || stat.size > maxSecretBytes)
    throw refused(
      `${path} is ${stat.isFile() ? `a file of ${stat.size} bytes` : 'no file'}, and what is brought to a pod is a file of at most ${maxSecretBytes}; put it into the image, and name it by where it is there`,
    );
  return { path, bytes: readFileSync(path), isProgram: (stat.mode & 0o111) !== 0 };
}

const refused = (message: string) => new InputError('KERUTA_ERR_JOB_REFUSED', message);

/** Directories below which a runner may hand files over. */
export function rootsOf(job: RunnerJob): readonly string[] {
  const ofRun = job.runDirectory === null ? [] : [`${job.runDirectory}/added`];
  return [job.directory, job.artifactsDirectory, ...ofRun];
}

/** Where things are said about the run; null: it is part of none. */
export function mailboxOf(job: RunnerJob): string | null {
  return job.runDirectory === null ? null : `${job.runDirectory}/${runFile.mailbox}`;
}
