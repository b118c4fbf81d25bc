/** What the configuration of the runner looks like as people write it. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { parseLogLevel } from '../domain/log-level.ts';

/** Of a whole task or of its tests: what timers take, a good three weeks; s. */
export const maxTimeoutSeconds = 2_000_000;

const seconds = z.number().positive().max(maxTimeoutSeconds);
const repetitions = z.int().min(0).max(20);
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable');
const line = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[^\p{Cc}]*$/u, 'expected one line');
const absolute = (what: string) => line.refine(isAbsolute, `expected the absolute path of ${what}`);
const person = line.max(200).regex(/^[^<>\p{Cc}]+$/u, 'expected one line without < and >');
const imageName = line.max(500).regex(/^\S+$/, 'expected the name of an image, without spaces');
const namespaceName = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'expected a namespace of Kubernetes: at most 63 of lower case, digits, dashes',
  );
const dnsLabel = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
    'expected a name of Kubernetes: lower case, digits, dashes',
  );

/** Refused wherever it is written: a file is read by others, and lands in a repository. */
const noKey = z.never('a key does not belong in a file; name its variable by llm_api_key_env_var').optional();

const address = (sample: string) =>
  z.url({ protocol: /^https?$/, error: `expected an address such as ${sample}` });

/** The address of a service. `''` is ours, as null is. */
export const serviceUrl = z
  .union([z.literal(''), address('http://localhost:8001')])
  .refine((text) => !hasMore(text), 'expected an address without user, password, ? and #')
  .transform((text) => (text === '' ? null : text.replace(/\/+$/, '')));

/** A level of the log, by any of its names. */
export const logLevel = z.string().transform((text, context) => {
  const level = parseLogLevel(text);
  if (level !== null) return level === 'FATAL' ? 'ERROR' : level;
  context.addIssue('expected one of DEBUG, INFO, WARN, ERROR');
  return z.NEVER;
});

/** The short form of a coding agent behind an endpoint. */
export const llmShape = z.strictObject({
  model: line.optional(),
  endpoint: address('https://api.openai.com/v1').nullish(),
  timeout_seconds: z.number().min(1).max(3600).optional(),
  api_key: noKey,
});

/** Who is named in commits. */
export const authorShape = z.strictObject({ name: person, email: person });

/** How commits are signed. */
export const signingShape = z.strictObject({ format: z.enum(['openpgp', 'ssh']), key: line });

/** The whole. `coder` is looked at by the room that it is of. */
export const configShape = z.strictObject({
  execution_mode: z.enum(['local-process', 'docker', 'kubernetes', 'k8s']).default('local-process'),
  default_timeout_seconds: seconds.default(1800),
  git_retry_count: repetitions.default(3),
  network_retry_count: repetitions.default(3),
  llm_retry_count: repetitions.default(3),
  max_memory_mb: z.int().min(16).nullish(),
  max_cpu_percent: z.int().min(1).max(100_000).nullish(),
  log_level: logLevel.default('INFO'),
  structured_logging: z.boolean().default(true),
  git_token_env_var: variable.default('GIT_TOKEN'),
  llm_api_key_env_var: variable.default('OPENAI_API_KEY'),
  mask_secrets: z
    .literal(true, 'expected true: secrets are always masked, which cannot be turned off')
    .default(true),
  task_registry_url: serviceUrl.nullish(),
  repo_pool_url: serviceUrl.nullish(),
  artifact_store_url: serviceUrl.nullish(),
  llm: llmShape.nullish(),
  coder: z.unknown().optional(),
  docker_image: imageName.nullish(),
  docker_volumes: z
    .record(absolute('a directory of this machine'), absolute('a place in the container'))
    .default({}),
  k8s_namespace: namespaceName.default('default'),
  k8s_image: imageName.nullish(),
  k8s_secrets: z.array(dnsLabel).max(100).default([]),
  branch_template: line.nullish(),
  commit_template: z.string().min(1).max(10_000).nullish(),
  author: authorShape.optional(),
  signing: signingShape
    .refine(({ format, key }) => format !== 'ssh' || isAbsolute(key), {
      path: ['key'],
      error: 'expected the absolute path of the key, since the format is ssh',
    })
    .nullish(),
  max_file_bytes: z.int().min(1).optional(),
  test_command: z.string().max(10_000).nullish(),
  test_report: line
    .refine(
      (path) => !isAbsolute(path) && !path.split('/').includes('..'),
      'expected a path below the repository',
    )
    .nullish(),
  test_timeout_seconds: seconds.default(600),
  test_rounds: repetitions.default(3),
  api_key: noKey,
});

/** A configuration that has the shape. */
export type ConfigInput = z.output<typeof configShape>;

function hasMore(text: string): boolean {
  // one that is no address at all is told by another rule
  if (!URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return username !== '' || password !== '' || search !== '' || hash !== '' || /[?#]/.test(text);
}
