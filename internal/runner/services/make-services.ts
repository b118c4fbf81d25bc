import { InputError } from '../../domain/errors.ts';
import type { RunnerConfig } from '../runner.ts';
import type { ArtifactStore, SlotService, TaskRegistry } from '../services.ts';
import type { Service } from './ask-service.ts';
import { httpArtifactStore } from './http-artifact-store.ts';
import { httpRepoPool } from './http-repo-pool.ts';
import { httpTaskRegistry } from './http-task-registry.ts';

/** Variables with the tokens of services; with `_FILE` behind them, of files that hold them. */
export const serviceTokens = {
  taskRegistry: 'TASK_REGISTRY_TOKEN',
  repoPool: 'REPO_POOL_TOKEN',
  artifactStore: 'ARTIFACT_STORE_TOKEN',
} as const;

/** What services are made with. */
export interface ServiceParts extends Pick<Service, 'http' | 'clock' | 'random' | 'log'> {
  /** the value of a variable, or of the file that `NAME_FILE` names; null = neither is set */
  readonly secretOf: (variable: string) => string | null;
}

/** Services in the place of ours; null = ours. */
export interface OtherServices {
  readonly taskRegistry: TaskRegistry | null;
  readonly repoPool: SlotService | null;
  readonly artifactStore: ArtifactStore | null;
}

/** A slot is held longer than a task may take: what ends it takes its time as well; ms. */
const leaseMarginMs = 10 * 60_000;

/**
 * Makes the services that a configuration names; nothing is asked.
 * @throws {InputError} KERUTA_ERR_CONFIG for a token that cannot be sent
 */
export function makeServices(
  { services, retries, timeoutMs }: Pick<RunnerConfig, 'services' | 'retries' | 'timeoutMs'>,
  { secretOf, ...parts }: ServiceParts,
): OtherServices {
  const at = (baseUrl: string, variable: string): Omit<Service, 'name'> => ({
    ...{ ...parts, baseUrl, retries: retries.network, token: tokenOf(variable, secretOf(variable)) },
  });
  const { taskRegistryUrl, repoPoolUrl, artifactStoreUrl } = services;
  const leaseMs = timeoutMs + leaseMarginMs;
  return {
    taskRegistry:
      taskRegistryUrl === null ? null : httpTaskRegistry(at(taskRegistryUrl, serviceTokens.taskRegistry)),
    repoPool:
      repoPoolUrl === null ? null : httpRepoPool(at(repoPoolUrl, serviceTokens.repoPool), { leaseMs }),
    artifactStore:
      artifactStoreUrl === null ? null : httpArtifactStore(at(artifactStoreUrl, serviceTokens.artifactStore)),
  };
}

function tokenOf(variable: string, found: string | null): string | null {
  const token = found?.trim() ?? '';
  if (token === '') return null;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new InputError(
    'KERUTA_ERR_CONFIG',
    `${variable} is no token: it has spaces, line ends or characters beyond ASCII; set it to the token alone`,
  );
}
