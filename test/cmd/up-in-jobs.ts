/** A double of a cluster for an agent of `keruta up`, whose base directory lies on its volume. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { rules } from '../internal/executor/kubernetes-place.ts';
import { ApiDouble } from '../pkg/kubernetes/double/api-double.ts';

/** Starts the double before the tests of a file. @param claim  name of the volume's claim */
export function useCluster(claim: string) {
  const home = mkdtempSync(join(tmpdir(), 'keruta-up-in-jobs-'));
  const base = join(home, 'base');
  const kubeconfig = join(home, 'kubeconfig');
  mkdirSync(base, { mode: 0o700 });
  const readsClaims = { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get'] };
  const api = new ApiDouble({
    claims: { [claim]: base },
    secrets: { 'registry-access': { REGISTRY_TOKEN: 'of the registry' } },
    rules: [...rules, readsClaims],
  });
  beforeAll(async () => {
    await api.listen();
    const config = {
      'current-context': 'double',
      contexts: [{ name: 'double', context: { cluster: 'here', user: 'agent', namespace: api.namespace } }],
      clusters: [{ name: 'here', cluster: { server: api.url } }],
      users: [{ name: 'agent', user: { token: api.token } }],
    };
    writeFileSync(kubeconfig, JSON.stringify(config));
  });
  afterAll(async () => {
    await api.stop();
    rmSync(home, { recursive: true, force: true });
    expect(api.complaints).toEqual([]);
  });
  return { api, base, settings: { KERUTA_BASE_DIR: base, KUBECONFIG: kubeconfig } };
}
