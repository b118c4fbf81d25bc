/** Where a whole runner works when the configuration does not want it in this process, and what it is given. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadedSettings } from '../../../internal/config/load-settings.ts';
import { oneSpelling } from '../../../internal/runner/context-shape.ts';
import type { ElsewhereWish } from '../../../internal/runner/do-elsewhere.ts';
import type { Elsewhere } from '../../../internal/runner/elsewhere/elsewhere.ts';
import type { RunnerConfig, RunnerTask } from '../../../internal/runner/runner.ts';
import type { RunnerFile } from '../../../internal/runner/runner-file.ts';
import { serviceTokens } from '../../../internal/runner/services/make-services.ts';
import type { CommandContext } from '../command.ts';
import { readAddress } from '../roles/executor-of.ts';
import { selfCommand } from '../roles/self.ts';
import type { RunPlace } from '../task-commands/in-run.ts';
import { secretsOfRun } from './runner-parts.ts';
import { secretReader } from './secret-reader.ts';

/** What was asked for. */
export interface ElsewhereParts {
  readonly settings: LoadedSettings;
  readonly task: RunnerTask;
  readonly config: RunnerConfig;
  /** the files of both as they were read */
  readonly files: { readonly task: RunnerFile; readonly config: RunnerFile };
  readonly run: RunPlace | null;
}

/** Of this process, its settings and its machine: a runner elsewhere is told what counts there. */
const ownVariables =
  /^(NODE_.*|KUBECONFIG|KUBERNETES_.*|KERUTA_(RUNNER_(CONFIG|RELAY|SECRETS)|CONFIG|ENV_FILE|BASE_DIR|DATA_DIR|ARTIFACTS_DIR|EXECUTABLE|EXECUTOR|DOCKER_.*|KUBERNETES_.*|LOG_FILE))$/;

/** Makes the place; null: the runner works here. */
export async function elsewhereOf(
  context: CommandContext,
  { settings: { values }, config }: ElsewhereParts,
): Promise<Elsewhere | null> {
  if (config.executionMode === 'kubernetes' && config.kubernetes !== null)
    return podsOf(context, values, config.kubernetes);
  if (config.executionMode !== 'docker' || config.docker === null) return null;
  const { dockerElsewhere } = await import('../../../internal/runner/elsewhere/docker.ts');
  const self = selfCommand();
  return dockerElsewhere({
    clock: context.clock,
    log: context.log,
    address: readAddress(values.dockerHost),
    image: config.docker.image,
    pull: values.dockerPull,
    volumes: config.docker.volumes,
    network: values.dockerNetwork,
    user: values.dockerUser ?? `${context.uid}:${process.getgid?.() ?? context.uid}`,
    pidsLimit: values.dockerPidsLimit,
    executable: self.length === 1 ? self[0] : null,
  });
}

async function podsOf(
  context: CommandContext,
  values: LoadedSettings['values'],
  { image, namespace, secrets }: NonNullable<RunnerConfig['kubernetes']>,
): Promise<Elsewhere> {
  const { kubernetesElsewhere } = await import('../../../internal/runner/elsewhere/kubernetes.ts');
  const { podOptionsOf } = await import('../roles/kubernetes-of.ts');
  return kubernetesElsewhere({
    ...podOptionsOf(context, values),
    ...{ clock: context.clock, random: context.random, log: context.log },
    ...{ image, namespace, secrets: [...new Set(secrets)] },
  });
}

/** Puts together what the runner is given there. Files of this machine that it needs are brought to the same place. */
export function elsewhereWish(context: CommandContext, parts: ElsewhereParts): ElsewhereWish {
  const { settings, task, config, files, run } = parts;
  const { allowLocalGit } = settings.values;
  const shared: string[] = [];
  const readable: string[] = [];
  const brought = (path: string, into: string[]): string => {
    const volumes = config.executionMode === 'docker' ? (config.docker?.volumes ?? {}) : {};
    const inside = inVolume(path, volumes);
    if (inside === null && existsSync(path)) into.push(path);
    return inside ?? path;
  };
  const { slotPath } = task.context;
  const repository = allowLocalGit ? localPath(task.repositoryUrl) : null;
  return {
    shared,
    readable,
    runDirectory: run?.directory ?? null,
    masked: secretsOfRun(run),
    context: withKeys(files.task.value, {
      id: task.id,
      ...(slotPath === null ? {} : { slotPath: brought(slotPath, shared) }),
      ...(repository === null ? {} : { repositoryUrl: brought(repository, shared) }),
    }),
    config: configThere(files.config.value, config, (path) => brought(path, readable)),
    env: variablesOf(context.env, config),
    words: [...(context.json ? ['--json'] : []), ...(allowLocalGit ? ['--allow-local-git'] : [])],
    output: (stream, bytes) => {
      // with --json stdout is for the result alone, which is printed here
      if (!context.json) return (stream === 'stdout' ? context.stdout : context.stderr).write(bytes);
      return stream === 'stdout' ? Promise.resolve() : context.stderr.write(bytes);
    },
  };
}

/** The configuration without what is about the place: limits are the container's. */
function configThere(value: unknown, config: RunnerConfig, brought: (path: string) => string): unknown {
  const given = (value ?? {}) as Readonly<Record<string, unknown>>;
  const kept = Object.entries(given).filter(
    ([key]) => !/^(execution_mode|docker_.*|k8s_.*|max_(memory_mb|cpu_percent))$/.test(key),
  );
  const { coder } = config;
  const { signing } = config.commit;
  const program =
    coder?.kind === 'command' && coder.template.command.startsWith('/') ? coder.template.command : null;
  return {
    ...Object.fromEntries(kept),
    execution_mode: 'local-process',
    ...(program === null ? {} : { coder: { ...(given.coder as object), command: brought(program) } }),
    ...(signing?.format === 'ssh' ? { signing: { ...signing, key: brought(signing.key) } } : {}),
  };
}

/** The environment with secrets that stand in files; nothing of it is to be seen from outside. */
function variablesOf(
  env: CommandContext['env'],
  { gitTokenVariable, coder }: RunnerConfig,
): Record<string, string> {
  const secretOf = secretReader(env);
  const names = [
    gitTokenVariable,
    ...Object.values(serviceTokens),
    ...(coder?.kind === 'endpoint' ? [coder.keyVariable] : []),
  ];
  const secrets = names.flatMap((name) => {
    const value = secretOf(name)?.trim() ?? '';
    return value === '' ? [] : [[name, value] as const];
  });
  const inFiles = new Set(names.map((name) => `${name}_FILE`));
  const others = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !ownVariables.test(entry[0]) && !inFiles.has(entry[0]),
  );
  return Object.fromEntries([...others, ...secrets]);
}

/** A value of a file with other values for some keys, however these are spelled in it. */
function withKeys(value: unknown, changes: Readonly<Record<string, string>>): unknown {
  const kept = Object.entries((value ?? {}) as object).filter(
    ([key]) => !Object.hasOwn(changes, oneSpelling(key)),
  );
  return { ...Object.fromEntries(kept), ...changes };
}

/** Where a path of this machine is found below a volume; null: in none. */
function inVolume(path: string, volumes: Readonly<Record<string, string>>): string | null {
  for (const [source, target] of Object.entries(volumes)) {
    if (path === source || path.startsWith(`${source.replace(/\/$/, '')}/`))
      return join(target, path.slice(source.length));
  }
  return null;
}

function localPath(url: string | null): string | null {
  if (url === null) return null;
  if (url.startsWith('/')) return url;
  return url.startsWith('file://') ? fileURLToPath(url) : null;
}
