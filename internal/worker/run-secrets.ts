import { readFileSync } from 'node:fs';
import type { RunRecord } from './run-record.ts';
import { passwordsOf, type Secrets, secretsOf } from './secrets.ts';
import type { TaskParts } from './task-parts.ts';

/**
 * Collects what must not be seen of a run: the tokens of agent, task and local API, the password in the address of the
 * repository, and the secrets among the variables.
 *
 * @param env  of the script, when it is known
 */
export function runSecrets(
  parts: Pick<TaskParts, 'options' | 'base'>,
  record: Pick<RunRecord, 'session' | 'token' | 'environment'>,
  env: Readonly<Record<string, string>> = {},
): Secrets {
  const { apiToken, environment } = parts.options;
  const { repositoryUrl, templateConfig } = record.session;
  const urls = [repositoryUrl, templateConfig?.repositoryUrl];
  return secretsOf({ ...environment, ...record.environment, ...env }, [
    apiToken,
    record.token ?? '',
    localToken(parts.base.localTokenFile),
    ...urls.flatMap((url) => passwordsOf(url ?? '')),
  ]);
}

function localToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
