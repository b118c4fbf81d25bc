/** Variables that say how tasks are done, and win over the file. Pure. */
import { z } from 'zod';
import { parseDuration } from '../domain/duration.ts';
import { type ConfigInput, logLevel, maxTimeoutSeconds, serviceUrl } from './config-shape.ts';
import type { FileFault } from './faults.ts';

const timeout = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0 && ms <= maxTimeoutSeconds * 1000) return ms / 1000;
  context.addIssue(
    `expected seconds, or a duration such as 30m, of at most ${maxTimeoutSeconds} seconds, got ${JSON.stringify(text.slice(0, 40))}`,
  );
  return z.NEVER;
});

/** The variables, and the keys that they stand for. */
export const configVariables = {
  TASK_REGISTRY_URL: { key: 'task_registry_url', shape: serviceUrl },
  REPO_POOL_URL: { key: 'repo_pool_url', shape: serviceUrl },
  ARTIFACT_STORE_URL: { key: 'artifact_store_url', shape: serviceUrl },
  RUNNER_LOG_LEVEL: { key: 'log_level', shape: logLevel },
  RUNNER_TIMEOUT: { key: 'default_timeout_seconds', shape: timeout },
} as const satisfies Readonly<Record<string, { key: keyof ConfigInput; shape: z.ZodType<unknown> }>>;

/** Reads them; one that is empty counts as unset. */
export function readVariables(env: Readonly<Record<string, string | undefined>>): {
  readonly values: Partial<ConfigInput>;
  readonly faults: readonly FileFault[];
} {
  const faults: FileFault[] = [];
  const values: Record<string, unknown> = {};
  for (const [file, { key, shape }] of Object.entries(configVariables)) {
    const text = env[file]?.trim() ?? '';
    if (text === '') continue;
    const read = shape.safeParse(text);
    if (read.success) values[key] = read.data;
    else faults.push(...read.error.issues.map(({ message }) => ({ file, line: null, field: '', message })));
  }
  return { values, faults };
}
