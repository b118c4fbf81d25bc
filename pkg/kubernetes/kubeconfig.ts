import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { HttpTls } from '../http/http.ts';
import { readYamlText } from '../yaml/yaml-lines.ts';
import { type ClusterAccess, ClusterAccessError } from './cluster-access.ts';

const contextShape = z.object({
  cluster: z.string(),
  user: z.string().default(''),
  namespace: z.string().default('default'),
});
const clusterShape = z.object({
  server: z.url({ protocol: /^https?$/ }),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.base64().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  'proxy-url': z.string().optional(),
});
const userShape = z.object({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.base64().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.base64().optional(),
  username: z.string().optional(),
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
});
const shape = z.object({
  'current-context': z.string().default(''),
  contexts: z.array(z.object({ name: z.string(), context: contextShape })).default([]),
  clusters: z.array(z.object({ name: z.string(), cluster: clusterShape })).default([]),
  users: z.array(z.object({ name: z.string(), user: userShape })).default([]),
});

/** What a kubeconfig may hold that is not done here. */
const notDone = ['insecure-skip-tls-verify', 'proxy-url', 'username', 'exec', 'auth-provider'] as const;

/**
 * Reads a kubeconfig file: server, certificates, token. Programs that fetch a token are not run; `kubectl proxy` does
 * that, and its address can stand in a kubeconfig.
 * @param context  null: the current one
 * @throws {ClusterAccessError}
 */
export function readKubeconfig(file: string, context: string | null): ClusterAccess {
  const refuse = (what: string, cause?: unknown): never => {
    throw new ClusterAccessError(`the kubeconfig ${file} ${what}`, { cause });
  };
  const whole = parse(file, refuse);
  const contextName = context ?? whole['current-context'];
  const chosen = find(whole.contexts, contextName)?.context ?? refuse(`has no context "${contextName}"`);
  const cluster =
    find(whole.clusters, chosen.cluster)?.cluster ?? refuse(`has no cluster "${chosen.cluster}"`);
  const noUser = chosen.user === '' ? userShape.parse({}) : null;
  const user = noUser ?? find(whole.users, chosen.user)?.user ?? refuse(`has no user "${chosen.user}"`);
  const held: Readonly<Record<string, unknown>> = { ...cluster, ...user };
  const unknown = notDone.find((key) => held[key] !== undefined && held[key] !== false);
  if (unknown !== undefined) {
    return refuse(
      `has "${unknown}" in its context ${contextName}, which is not supported; put a token or a client certificate there, or run \`kubectl proxy\` and name its address`,
    );
  }
  const read = (path: string) => {
    try {
      return readFileSync(resolve(dirname(file), path), 'utf8');
    } catch (cause) {
      return refuse(`names the file ${path}, which cannot be read`, cause);
    }
  };
  const pem = (data: string | undefined, path: string | undefined) =>
    data !== undefined ? Buffer.from(data, 'base64').toString() : path === undefined ? undefined : read(path);
  const { token, tokenFile } = user;
  return {
    server: cluster.server.replace(/\/+$/, ''),
    tls: tlsOf({
      ca: pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
      cert: pem(user['client-certificate-data'], user['client-certificate']),
      key: pem(user['client-key-data'], user['client-key']),
      servername: cluster['tls-server-name'],
    }),
    token: () => (tokenFile === undefined ? (token ?? null) : read(tokenFile).trim()),
    namespace: chosen.namespace,
    source: `${file}, context ${contextName}`,
  };
}

type Whole = z.infer<typeof shape>;

function parse(file: string, refuse: (what: string, cause?: unknown) => never): Whole {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    return refuse('cannot be read', cause);
  }
  const { documents, faults } = readYamlText(text);
  if (documents === undefined) return refuse(`is no YAML: line ${faults[0]?.line}: ${faults[0]?.message}`);
  const parsed = shape.safeParse(documents[0]?.value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return refuse(`is not one: ${issue?.path.join('.')}: ${issue?.message}`);
}

function find<T extends { readonly name: string }>(list: readonly T[], name: string): T | undefined {
  return list.find((one) => one.name === name);
}

function tlsOf(parts: { readonly [K in keyof HttpTls]-?: string | undefined }): HttpTls {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}
