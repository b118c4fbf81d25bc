/** How scripts run in a cluster, by the settings of an agent. */
import { join } from 'node:path';
import type { LoadedSettings } from '../../../internal/config/load-settings.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import type {
  KubernetesOptions,
  SecretUse,
} from '../../../internal/executor/kubernetes/kubernetes-options.ts';
import type { ClusterAccess } from '../../../pkg/kubernetes/cluster-access.ts';
import { ClusterAccessError } from '../../../pkg/kubernetes/cluster-access.ts';
import { loadAccess } from '../../../pkg/kubernetes/load-access.ts';
import type { CommandContext } from '../command.ts';
import type { ExecutorParts } from './executor-of.ts';
import { readCpus } from './read-cpus.ts';

type Values = LoadedSettings['values'];

/**
 * Puts the options of the executor together.
 * @throws {InputError} KERUTA_ERR_CONFIG_MISSING without image or claim; KERUTA_ERR_BAD_VALUE for settings that no pod has
 */
export function kubernetesOptionsOf({
  context,
  settings,
  log,
  umask,
  executable,
}: ExecutorParts): KubernetesOptions {
  const { values } = settings;
  const { baseDir, artifactsDir, kubernetesImage: image, kubernetesVolumeClaim: claim } = values;
  const isChosen = values.executor === 'kubernetes';
  if (isChosen && image === null) throw missing('image', 'such as debian:bookworm-slim');
  if (isChosen && claim === null) throw missing('volume_claim', 'the claim that agent and pods share');
  const readable = [join(baseDir, 'bin'), join(baseDir, 'pool'), executable];
  const writable = [artifactsDir].filter((path) => path !== null);
  return {
    ...podOptionsOf(context, values),
    clock: context.clock,
    log,
    namespace: values.kubernetesNamespace,
    baseDirectory: baseDir,
    volume: volumeOf(values, claim ?? ''),
    image: image ?? '',
    shared: [
      ...readable.map((path) => ({ path, readOnly: true })),
      ...writable.map((path) => ({ path, readOnly: false })),
    ],
    secrets: (values.kubernetesSecrets ?? []).map(readSecret),
    memoryBytes: values.kubernetesMemory ?? values.limitsMemory,
    cpus: readCpus(values.kubernetesCpus, 'kubernetes.cpus') ?? readCpus(values.limitsCpus, 'limits.cpus'),
    umask,
    inherited: process.env,
  };
}

/** What counts for every pod: of a script, and of a runner. @throws {InputError} KERUTA_ERR_BAD_VALUE */
export function podOptionsOf({ version }: Pick<CommandContext, 'version'>, values: Values) {
  const claim = values.kubernetesVolumeClaim;
  return {
    access: readAccess(values, process.env),
    userAgent: `keruta/${version}`,
    imagePullPolicy: (values.kubernetesImagePullPolicy as KubernetesOptions['imagePullPolicy']) ?? null,
    serviceAccount: values.kubernetesServiceAccount,
    nodeSelector: Object.fromEntries((values.kubernetesNodeSelector ?? []).map(readNodeLabel)),
    ttlSeconds: values.kubernetesTtlSeconds,
    startTimeoutMs: values.kubernetesStartTimeout,
    volume: claim === null ? null : volumeOf(values, claim),
  };
}

function volumeOf(values: Values, claim: string): KubernetesOptions['volume'] {
  return {
    claim,
    mountPath: values.kubernetesVolumeMount ?? values.baseDir,
    subPath: values.kubernetesVolumeSubPath ?? '',
  };
}

function missing(name: string, what: string): InputError {
  return new InputError(
    'KERUTA_ERR_CONFIG_MISSING',
    `the executor is kubernetes and kubernetes.${name} is not set; set it, or KERUTA_KUBERNETES_${name.toUpperCase()}: ${what}`,
  );
}

/** Finds out how the cluster is reached. @throws {InputError} KERUTA_ERR_BAD_VALUE */
export function readAccess(
  values: Pick<Values, 'kubernetesKubeconfig' | 'kubernetesContext'>,
  env: Readonly<Record<string, string | undefined>>,
): ClusterAccess {
  const { kubernetesKubeconfig: kubeconfig, kubernetesContext: context } = values;
  try {
    return loadAccess({ kubeconfig, context, env });
  } catch (cause) {
    if (!(cause instanceof ClusterAccessError)) throw cause;
    throw new InputError('KERUTA_ERR_BAD_VALUE', `kubernetes.kubeconfig: ${cause.message}`, { cause });
  }
}

/** Reads `name` or `name:/path`. @throws {InputError} KERUTA_ERR_BAD_VALUE */
export function readSecret(text: string): SecretUse {
  const [, name, mountPath = null] = /^([a-z0-9][-a-z0-9.]{0,252})(?::(\/[^:]+))?$/.exec(text) ?? [];
  if (name !== undefined) return { name, mountPath };
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `kubernetes.secrets: expected the name of a Secret, or name:/path/of/its/files; got "${text}"`,
  );
}

/** Reads `name=value`. @throws {InputError} KERUTA_ERR_BAD_VALUE */
export function readNodeLabel(text: string): readonly [string, string] {
  const [, name, value] = /^([^=\s]+)=([-A-Za-z0-9_.]*)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `kubernetes.node_selector: expected name=value; got "${text}"`,
  );
}
