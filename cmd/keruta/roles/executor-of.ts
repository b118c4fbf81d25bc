/** Where the scripts of an agent run, by its settings. */
import { join } from 'node:path';
import type { LoadedSettings } from '../../../internal/config/load-settings.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import type { DockerOptions } from '../../../internal/executor/docker/docker-options.ts';
import type { Executor } from '../../../internal/executor/executor.ts';
import { executorByRecord } from '../../../internal/executor/executor-by-record.ts';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import {
  groupPrefix,
  needsGroup,
  noLimits,
  type RunLimits,
} from '../../../internal/executor/local/run-limits.ts';
import type { Mount } from '../../../pkg/docker/container-body.ts';
import { EngineAddressError, parseEngineAddress } from '../../../pkg/docker/engine-address.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { canLimit } from '../../../pkg/process/control-group.ts';
import type { CommandContext } from '../command.ts';
import { readCpus } from './read-cpus.ts';

/** What an executor is made for. */
export interface ExecutorParts {
  readonly context: CommandContext;
  readonly settings: LoadedSettings;
  readonly log: Log;
  /** file mode mask of the scripts */
  readonly umask: number;
  /** the full executable, as scripts call it */
  readonly executable: string;
}

/**
 * Makes the executor. Runs that go on are found wherever they were started.
 * @throws {InputError} KERUTA_ERR_CONFIG_MISSING without an image; KERUTA_ERR_BAD_VALUE for settings that no container or pod has
 */
export async function executorOf(parts: ExecutorParts): Promise<Executor> {
  const { context, settings, umask } = parts;
  const { values } = settings;
  const { clock } = context;
  const starts = values.executor as 'local' | 'docker' | 'kubernetes';
  // said at the start; where nothing runs in containers, settings of an engine or a cluster are nobody's business
  const options = starts === 'docker' ? dockerOptionsOf(parts) : null;
  const ofCluster = async () => (await import('./kubernetes-of.ts')).kubernetesOptionsOf(parts);
  const clusterOptions = starts === 'kubernetes' ? await ofCluster() : null;
  return executorByRecord({
    starts,
    local: makeLocalExecutor({
      ...{ clock, stateDirectory: join(values.baseDir, 'shims'), umask },
      ...(starts === 'local' ? { limits: limitsOf(settings) } : {}),
    }),
    docker: async () => {
      const { makeDockerExecutor } = await import('../../../internal/executor/docker/docker-executor.ts');
      return makeDockerExecutor(options ?? dockerOptionsOf(parts));
    },
    kubernetes: async () => {
      const { makeKubernetesExecutor } = await import(
        '../../../internal/executor/kubernetes/kubernetes-executor.ts'
      );
      return makeKubernetesExecutor(clusterOptions ?? (await ofCluster()));
    },
  });
}

/**
 * The limits of local runs.
 * @throws {DeniedError} KERUTA_ERR_LIMITS where this machine does not let the agent keep them: said at the start, not by each task
 */
function limitsOf({ values }: LoadedSettings): RunLimits {
  const limits = {
    memoryBytes: values.limitsMemory,
    cpus: readCpus(values.limitsCpus, 'limits.cpus'),
    processes: values.limitsProcesses,
    files: values.limitsFiles,
  };
  if (needsGroup(limits) && !canLimit(groupPrefix, limits)) throw noLimits();
  return limits;
}

function dockerOptionsOf({ context, settings, log, umask, executable }: ExecutorParts): DockerOptions {
  const { values } = settings;
  const { baseDir, artifactsDir, dockerImage: image } = values;
  if (image === null && values.executor === 'docker') {
    throw new InputError(
      'KERUTA_ERR_CONFIG_MISSING',
      'the executor is docker and no image is set; set docker.image, KERUTA_DOCKER_IMAGE or --docker-image, such as debian:bookworm-slim',
    );
  }
  const readable = [join(baseDir, 'bin'), join(baseDir, 'pool'), executable];
  const writable = [artifactsDir, '/.keruta/doc'].filter((path) => path !== null);
  return {
    clock: context.clock,
    log,
    address: readAddress(values.dockerHost),
    baseDirectory: baseDir,
    image: image ?? '',
    pull: values.dockerPull,
    network: values.dockerNetwork,
    volumes: (values.dockerVolumes ?? []).map(readVolume),
    shared: [
      ...readable.map((path) => ({ path, readOnly: true })),
      ...writable.map((path) => ({ path, readOnly: false })),
    ],
    user: values.dockerUser,
    memoryBytes: values.dockerMemory ?? values.limitsMemory,
    cpus: readCpus(values.dockerCpus, 'docker.cpus') ?? readCpus(values.limitsCpus, 'limits.cpus'),
    pidsLimit: values.dockerPidsLimit ?? values.limitsProcesses,
    umask,
    inherited: process.env,
  };
}

/** Reads the address of an engine. @throws {InputError} KERUTA_ERR_BAD_VALUE */
export function readAddress(text: string): DockerOptions['address'] {
  try {
    return parseEngineAddress(text);
  } catch (cause) {
    if (!(cause instanceof EngineAddressError)) throw cause;
    throw new InputError('KERUTA_ERR_BAD_VALUE', `docker.host: ${cause.message}`, { cause });
  }
}

/** Reads `/on/the/machine:/in/the/container[:ro]`. @throws {InputError} KERUTA_ERR_BAD_VALUE */
export function readVolume(text: string): Mount {
  const [, source, target, mode] = /^(\/[^:]*):(\/[^:]*)(?::(ro|rw))?$/.exec(text) ?? [];
  if (source !== undefined && target !== undefined) return { source, target, readOnly: mode === 'ro' };
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `docker.volumes: expected /on/the/machine:/in/the/container, with :ro for reading alone; got "${text}"`,
  );
}
