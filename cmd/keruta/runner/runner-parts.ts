/** What a runner works with in this process. */
import { join, resolve } from 'node:path';
import { secretName } from '../../../internal/coder/command/command-agent.ts';
import type { LoadedSettings } from '../../../internal/config/load-settings.ts';
import { gitToken, lentTokenVariable } from '../../../internal/pool/flow/git-token.ts';
import { relayVariable, relayWishShape } from '../../../internal/runner/relay/frames.ts';
import type { RunnerParts } from '../../../internal/runner/run-parts.ts';
import type { RunnerConfig } from '../../../internal/runner/runner.ts';
import { fileArtifactStore } from '../../../internal/runner/services/file-artifact-store.ts';
import { makeServices, serviceTokens } from '../../../internal/runner/services/make-services.ts';
import { buildPrompt, defaultPromptBytes } from '../../../internal/skill/build-prompt.ts';
import { findSkills } from '../../../internal/skill/find-skills.ts';
import { privateFault } from '../../../internal/worker/artifacts/own-places.ts';
import { readRecord } from '../../../internal/worker/run-record.ts';
import { secretsOf } from '../../../internal/worker/secrets.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import { type Confinement, confine } from '../../../pkg/process/confine.ts';
import { ownUsage } from '../../../pkg/process/own-usage.ts';
import { minSecretBytes } from '../../../pkg/redact/forms.ts';
import type { CommandContext } from '../command.ts';
import { placesOfCommand } from '../own-places.ts';
import { poolParts } from '../roles/pool-of.ts';
import type { RunPlace } from '../task-commands/in-run.ts';
import { runnerLog } from './runner-log.ts';
import { secretReader } from './secret-reader.ts';
import { inRunSpeaker, personSpeaker } from './speakers.ts';

/** Where, how, and for whom. */
export interface RunnerPlace {
  readonly settings: LoadedSettings;
  readonly config: RunnerConfig;
  /** absolute */
  readonly directory: string;
  /** the task that this process is a part of; null = none */
  readonly run: RunPlace | null;
  readonly signal: AbortSignal;
}

/** Makes the parts. @returns them, and what lets go of them */
export async function makeRunnerParts(
  context: CommandContext,
  { settings, config, directory, run, signal }: RunnerPlace,
): Promise<{ readonly parts: RunnerParts; readonly close: () => Promise<void> }> {
  const { clock, random, env } = context;
  const http = makeHttp({ userAgent: `keruta/${context.version}` });
  const secretOf = secretReader(env);
  const own = ownVariables(config);
  const secrets = [
    ...secretsHere(env, { secretOf, names: [...own.runner, ...own.coder, ...keysOf(config)] }),
    ...[...secretsOfRun(run), ...maskedFor(env)].map((value) => ({ name: 'a secret of the agent', value })),
  ];
  const log = runnerLog(context, config.log, secrets);
  const services = makeServices(config, { http, clock, random, log, secretOf });
  const speaker = run === null ? personSpeaker(context) : inRunSpeaker(context, run);
  const artifactsDirectory =
    settings.values.artifactsDir ?? env.KERUTA_ARTIFACTS_DIR ?? resolve(context.cwd, '.keruta', 'doc');
  const whole = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const without = (names: readonly string[]) =>
    Object.fromEntries(Object.entries(whole).filter(([name]) => !names.includes(name)));
  const places = placesOfCommand(context, settings, run);
  const pool = await poolParts({ ...context, log }, settings);
  // what was lent is sure to read this repository, and no more than that
  const [ownToken, lentToken] = [gitToken(env, config.gitTokenVariable), gitToken(env, lentTokenVariable)];
  const limits = limitsHere({ ...context, log }, config);
  return {
    close: async () => {
      limits?.close();
      await http.close();
    },
    parts: {
      ...(limits === null ? {} : { confined: limits.confined }),
      ...{ clock, random, log, http, directory, artifactsDirectory, speaker, secretOf, signal },
      pool: { ...pool, credentials: () => lentToken() ?? ownToken() },
      pushCredentials: ownToken,
      isPrivate: (path) => privateFault(path, places) !== null,
      env: without(own.runner),
      commandEnv: without([...own.runner, ...own.coder]),
      secrets,
      registry: services.taskRegistry,
      slots: services.repoPool,
      store:
        services.artifactStore ??
        (run === null ? fileArtifactStore({ directory: artifactsDirectory, random }) : ownStore),
      skillsOf: async ({ directory: tree, focus, requiredSkill }) => {
        const { skills } = await findSkills([
          { path: join(tree, '.keruta', 'skills'), within: tree, source: 'repository' },
        ]);
        const wanted = requiredSkill === null ? focus : [...focus, requiredSkill];
        if (skills.length === 0) return null;
        return buildPrompt({ skills, focus: wanted, maxBytes: defaultPromptBytes }).text;
      },
      usage: () => {
        const { peakBytes, cpuSeconds } = ownUsage();
        return { memoryMb: peakBytes === null ? null : Math.round(peakBytes / 1024 ** 2), cpuSeconds };
      },
    },
  };
}

/** Limits for what is run here; in a container they are the container's. What cannot be kept is said, never passed over. */
function limitsHere({ log }: CommandContext, { limits, executionMode }: RunnerConfig): Confinement | null {
  const { memoryMb, cpuPercent } = limits;
  if (executionMode !== 'local-process' || (memoryMb === null && cpuPercent === null)) return null;
  const made = confine('keruta-runner', {
    memoryBytes: memoryMb === null ? null : memoryMb * 1024 ** 2,
    cpus: cpuPercent === null ? null : cpuPercent / 100,
  });
  if (made.cpu === 'nobody')
    log.warn('max_cpu_percent is not kept: there is no control group here that this user may write to', {
      cpuPercent,
    });
  if (made.memory === 'watched')
    log.info(
      'max_memory_mb is measured twice a second: there is no control group here that this user may write to',
      {
        memoryMb,
      },
    );
  return made;
}

/** In a run the agent sends what the speaker names: the address is that of an artifact of the task. */
const ownStore: RunnerParts['store'] = { upload: async ({ name }) => `artifact:${name}` };

/** Variables that only the runner, or only the coding agent, is to know. */
function ownVariables({ gitTokenVariable, coder }: RunnerConfig) {
  const withFiles = (names: readonly string[]) => names.flatMap((name) => [name, `${name}_FILE`]);
  return {
    runner: [
      ...withFiles([gitTokenVariable, lentTokenVariable, ...Object.values(serviceTokens)]),
      ...Object.values(relayVariable),
    ],
    coder: withFiles(coder?.kind === 'endpoint' ? [coder.keyVariable] : []),
  };
}

/** Variables that a program gets because the configuration names them, as far as they look like keys. */
function keysOf({ coder }: RunnerConfig): readonly string[] {
  if (coder?.kind !== 'command') return [];
  return coder.template.environment.filter((name) => secretName.test(name) && !name.endsWith('*'));
}

/** What the agent masks in the output of the task that this is: the runner looks for it in more places. */
export function secretsOfRun(run: RunPlace | null): readonly string[] {
  return run === null ? [] : (readRecord(run.directory)?.started?.secrets ?? []);
}

/** The same in a pod, where the record of the run is not; and what comes from Secrets of the cluster. */
function maskedFor(env: CommandContext['env']): readonly string[] {
  const wish = env[relayVariable.wish];
  if (!wish) return [];
  const names = (env[relayVariable.secrets] ?? '').split(' ').filter((name) => name !== '');
  const values = names
    .map((name) => env[name] ?? '')
    .filter((value) => Buffer.byteLength(value) >= minSecretBytes);
  return [...relayWishShape.parse(JSON.parse(wish)).masked, ...values];
}

/** What is masked: what looks like a secret in the environment, and what files of secrets hold. */
function secretsHere(
  env: CommandContext['env'],
  { secretOf, names }: { readonly secretOf: RunnerParts['secretOf']; readonly names: readonly string[] },
): RunnerParts['secrets'] {
  const inFiles = names.flatMap((name) => {
    const value = name.endsWith('_FILE') ? null : secretOf(name);
    return value === null ? [] : [{ name, value: value.trim() }];
  });
  const named = Object.entries(env).flatMap(([name, value]) =>
    secretsOf({ [name]: value }, []).values.map((secret) => ({ name, value: secret })),
  );
  return [...inFiles, ...named];
}
