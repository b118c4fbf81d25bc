/** Reads how tasks are done here: from a file, from variables, which win, and from defaults. Pure. */
import { type FieldPath, shapeFaults } from '../../pkg/shape/shape-faults.ts';
import type { CoderDefinition } from '../coder/read-coder.ts';
import { defaultMaxFileBytes } from '../commit-gate/check-index.ts';
import { InputError } from '../domain/errors.ts';
import { branchName } from '../pool/flow/branch-name.ts';
import { commitMessage } from '../pool/flow/commit-message.ts';
import { defaultIdentity } from '../pool/flow/identity.ts';
import { coderOf } from './config-coder.ts';
import { authorShape, type ConfigInput, configShape, llmShape, signingShape } from './config-shape.ts';
import { readVariables } from './config-variables.ts';
import { type FileFault, type FilePlaces, faultAt, fileError, type TellFault } from './faults.ts';
import type { RunnerConfig } from './runner.ts';

/** What a configuration is read from. */
export interface ConfigSource extends FilePlaces {
  /** what the file holds; null: there is none, or it is empty */
  readonly value: unknown;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads a configuration. Keys are those of the file (snake_case); `TASK_REGISTRY_URL`, `REPO_POOL_URL`, `ARTIFACT_STORE_URL`,
 * `RUNNER_LOG_LEVEL` and `RUNNER_TIMEOUT` (seconds, or a duration) win over it, empty ones count as unset.
 * @throws {InputError} KERUTA_ERR_CONFIG with every fault, also in `details.faults`
 */
export function readRunnerConfig(source: ConfigSource): RunnerConfig {
  const value = source.value ?? {};
  const faults: FileFault[] = [];
  const fault = (path: FieldPath, message: string) => void faults.push(faultAt(source, path, message));
  const read = configShape.safeParse(value);
  if (!read.success)
    for (const { path, message } of shapeFaults(read.error, { keys: keysAt, value })) fault(path, message);
  const variables = readVariables(source.env);
  faults.push(...variables.faults);
  const coder = coderOf(read.success ? read.data : looseInput(value), fault);
  if (read.success) checkTogether(read.data, fault);
  if (!read.success || faults.length > 0) throw fileError('KERUTA_ERR_CONFIG', faults);
  return configOf({ ...read.data, ...variables.values }, coder);
}

function keysAt([first]: FieldPath): readonly string[] {
  if (first === 'llm') return ['model', 'endpoint', 'timeout_seconds'];
  if (first === 'author') return Object.keys(authorShape.shape);
  if (first === 'signing') return Object.keys(signingShape.shape);
  return Object.keys(configShape.shape).filter((key) => key !== 'api_key');
}

/** What the coding agent is read from, when something else is wrong. */
function looseInput(value: unknown): Partial<ConfigInput> {
  const { coder, llm } = value as { readonly coder?: unknown; readonly llm?: unknown };
  const read = llmShape.safeParse(llm);
  return { coder, ...(read.success ? { llm: read.data } : {}) };
}

/** What is wrong with values that have the shape. */
function checkTogether(input: ConfigInput, fault: TellFault): void {
  if (input.execution_mode === 'docker' && input.docker_image == null)
    fault(['docker_image'], 'expected the name of an image, since execution_mode is docker; got nothing');
  if (isKubernetes(input) && input.k8s_image == null)
    fault(['k8s_image'], 'expected the name of an image, since execution_mode is kubernetes; got nothing');
  const told = (key: string, fill: () => unknown) => {
    try {
      fill();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      fault([key], error.message);
    }
  };
  const sample = { title: 'a title', specName: 'spec' };
  const [sessionId, taskId] = ['0f0e0d0c-0b0a', '01020304-0506'];
  const branch = { ...sample, sessionId, taskId, requiredSkill: 'skill', now: 0 };
  told('branch_template', () => branchName(input.branch_template ?? null, branch));
  told('commit_template', () => commitMessage(input.commit_template ?? null, { ...sample, taskId }));
}

const isKubernetes = (input: ConfigInput) => ['kubernetes', 'k8s'].includes(input.execution_mode);

function configOf(input: ConfigInput, coder: CoderDefinition | null): RunnerConfig {
  const { docker_image: dockerImage = null, k8s_image: k8sImage = null } = input;
  return {
    executionMode: input.execution_mode === 'k8s' ? 'kubernetes' : input.execution_mode,
    services: {
      taskRegistryUrl: input.task_registry_url ?? null,
      repoPoolUrl: input.repo_pool_url ?? null,
      artifactStoreUrl: input.artifact_store_url ?? null,
    },
    coder,
    timeoutMs: Math.ceil(input.default_timeout_seconds * 1000),
    retries: { git: input.git_retry_count, network: input.network_retry_count },
    limits: { memoryMb: input.max_memory_mb ?? null, cpuPercent: input.max_cpu_percent ?? null },
    log: { level: input.log_level, isStructured: input.structured_logging },
    gitTokenVariable: input.git_token_env_var,
    branch: { template: input.branch_template ?? null },
    commit: {
      template: input.commit_template ?? null,
      author: input.author ?? defaultIdentity,
      signing: input.signing ?? null,
      maxFileBytes: input.max_file_bytes ?? defaultMaxFileBytes,
    },
    tests: {
      command: input.test_command ?? null,
      report: input.test_report ?? null,
      timeoutMs: Math.ceil(input.test_timeout_seconds * 1000),
      rounds: input.test_rounds,
    },
    docker: dockerImage === null ? null : { image: dockerImage, volumes: input.docker_volumes },
    kubernetes:
      k8sImage === null
        ? null
        : { namespace: input.k8s_namespace, image: k8sImage, secrets: input.k8s_secrets },
  };
}
