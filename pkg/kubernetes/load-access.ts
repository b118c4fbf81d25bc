/** Finds out how the cluster is reached: as a pod of it, or as somebody with a kubeconfig file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterAccess, ClusterAccessError } from './cluster-access.ts';
import { readKubeconfig } from './kubeconfig.ts';

/** Where it is looked for. */
export interface AccessPlaces {
  /** a kubeconfig file; null: that of a pod, else `~/.kube/config` */
  readonly kubeconfig: string | null;
  /** of the kubeconfig; null: its current one */
  readonly context: string | null;
  /** KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and HOME are read */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** what a pod finds its own account in; default: where Kubernetes puts it */
  readonly accountDirectory?: string;
}

const defaultAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/** @throws {ClusterAccessError} when nothing is there, or it cannot be used */
export function loadAccess(places: AccessPlaces): ClusterAccess {
  const { kubeconfig, context, env, accountDirectory = defaultAccountDirectory } = places;
  if (kubeconfig !== null) return readKubeconfig(kubeconfig, context);
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443', HOME: home } = env;
  if (context === null && host && existsSync(join(accountDirectory, 'token'))) {
    return accessOfPod({ host, port, directory: accountDirectory });
  }
  const file = join(home ?? '/', '.kube/config');
  if (existsSync(file)) return readKubeconfig(file, context);
  throw new ClusterAccessError(
    `there is no account of a pod in ${accountDirectory}, and no file ${file}; name a kubeconfig`,
  );
}

function accessOfPod(pod: { readonly host: string; readonly port: string; readonly directory: string }) {
  const { host, port, directory } = pod;
  const read = (name: string) => readFileSync(join(directory, name), 'utf8').trim();
  const optional = (name: string) => (existsSync(join(directory, name)) ? read(name) : null);
  const ca = optional('ca.crt');
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tls: ca === null ? {} : { ca },
    token: () => read('token'),
    namespace: optional('namespace') ?? 'default',
    source: directory,
  };
}
