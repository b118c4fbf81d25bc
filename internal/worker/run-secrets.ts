import { readFileSync, statSync } from 'node:fs';
import { passwordsOf } from '../../pkg/redact/passwords-of.ts';
import type { RunRecord } from './run-record.ts';
import { type Secrets, secretsOf } from './secrets.ts';
import type { TaskParts } from './task-parts.ts';

/**
 * Collects what must not be seen of a run: the tokens of agent, task and local API, the password in the address of the
 * repository, and the secrets among the variables; of what a runner does also those in files that variables name.
 *
 * @param env  of the script, when it is known
 */
export function runSecrets(
  parts: Pick<TaskParts, 'options' | 'base'>,
  record: Pick<RunRecord, 'session' | 'token' | 'environment' | 'task'>,
  env: Readonly<Record<string, string>> = {},
): Secrets {
  const { apiToken, environment } = parts.options;
  const { repositoryUrl, templateConfig } = record.session;
  const urls = [repositoryUrl, templateConfig?.repositoryUrl];
  const all = { ...environment, ...record.environment, ...env };
  const mounted = record.task.kind === 'script' ? {} : mountedSecrets(all);
  return secretsOf({ ...all, ...mounted }, [
    apiToken,
    record.token ?? '',
    localToken(parts.base.localTokenFile),
    ...urls.flatMap((url) => passwordsOf(url ?? '')),
  ]);
}

/** Largest file of a secret; bytes. */
const maxFileBytes = 64 * 1024;

/** What stands in files that are named by `NAME_FILE`, by `NAME`: tokens and keys that a runner reads from there. */
function mountedSecrets(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, file = '']) => {
      if (!name.endsWith('_FILE') || !file.startsWith('/')) return [];
      const text = mountedSecret(file);
      return text === null ? [] : [[name.slice(0, -'_FILE'.length), text]];
    }),
  );
}

/** @returns null when it is no file of one line */
function mountedSecret(file: string): string | null {
  try {
    const found = statSync(file);
    if (!found.isFile() || found.size > maxFileBytes) return null;
    const text = readFileSync(file, 'utf8').trim();
    return text.includes('\n') ? null : text;
  } catch {
    return null;
  }
}

function localToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
