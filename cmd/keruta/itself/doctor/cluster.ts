import { InputError } from '../../../../internal/domain/errors.ts';
import type { Permission } from '../../../../pkg/kubernetes/cluster.ts';
import type { ClusterAccess } from '../../../../pkg/kubernetes/cluster-access.ts';
import { ClusterError } from '../../../../pkg/kubernetes/cluster-error.ts';
import { fail, ok, settingsCheck, skipped, warn } from './check.ts';

/** What an agent does in the cluster: the rules of deploy/kubernetes/executor.yaml. */
const needed: readonly Permission[] = [
  ...['create', 'delete', 'get', 'list'].map((verb) => ({ verb, group: 'batch', resource: 'jobs' })),
  ...['list', 'watch'].map((verb) => ({ verb, group: '', resource: 'pods' })),
  { verb: 'get', group: '', resource: 'pods', subresource: 'log' },
];

/** Whether the cluster answers, this account may do what runs need, and the claim is there, where scripts run as jobs. */
export const clusterCheck = settingsCheck('cluster', async ({ context }, { values }) => {
  if (values.executor !== 'kubernetes') return skipped('scripts do not run as jobs of a cluster');
  const { readAccess } = await import('../../roles/kubernetes-of.ts');
  const { Cluster } = await import('../../../../pkg/kubernetes/cluster.ts');
  const { kubernetesImage: image, kubernetesVolumeClaim: claim, kubernetesNamespace: namespace } = values;
  if (image === null) return fail('no image is set', 'set kubernetes.image, such as debian:bookworm-slim');
  if (claim === null) return fail('no claim is set', 'set kubernetes.volume_claim');
  let access: ClusterAccess;
  try {
    access = readAccess(values, process.env);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return fail(error.message, 'set kubernetes.kubeconfig, or run the agent in a pod that has an account');
  }
  const cluster = new Cluster({
    access,
    clock: context.clock,
    namespace,
    userAgent: `keruta/${context.version}`,
  });
  try {
    const version = await cluster.version();
    const here = `the cluster at ${cluster.server} answers (${version})`;
    const answers = await Promise.all(needed.map((one) => cluster.may(one)));
    const denied = needed
      .filter((_, index) => answers[index] === false)
      .map(
        ({ verb, resource, subresource }) => `${verb} ${[resource, subresource].filter(Boolean).join('/')}`,
      );
    if (denied.length > 0) {
      return fail(
        `${here}, and we may not ${denied.join(', ')} in the namespace ${cluster.namespace}`,
        `give the account the role of deploy/kubernetes/executor.yaml`,
      );
    }
    return await claimFinding(`${here}, we may make jobs in the namespace ${cluster.namespace}`, claim, () =>
      cluster.claim(claim),
    );
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    const advice =
      error.kind === 'denied'
        ? `the account of ${access.source} is not taken; see kubernetes.kubeconfig`
        : `see kubernetes.kubeconfig; the address is that of ${access.source}`;
    return fail(error.message, advice);
  } finally {
    await cluster.close();
  }
});

/** The role of an agent does not let it look at claims: then only a pod can tell. */
async function claimFinding(
  here: string,
  claim: string,
  look: () => Promise<{ readonly spec: { readonly accessModes: readonly string[] } } | null>,
) {
  try {
    const found = await look();
    if (found === null)
      return fail(`${here}, and there is no claim ${claim}`, 'make it, or set kubernetes.volume_claim');
    const isForMany = found.spec.accessModes.includes('ReadWriteMany');
    return isForMany
      ? ok(`${here}, and the claim ${claim} is there`)
      : warn(
          `${here}; the claim ${claim} is for one node at a time`,
          'take one with ReadWriteMany, or keep agent and pods on one node',
        );
  } catch (error) {
    if (!(error instanceof ClusterError) || error.kind !== 'denied') throw error;
    return ok(`${here}; whether there is a claim ${claim} we may not look at`);
  }
}
