/** A double of a cluster with a volume, and executors that use both. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { makeKubernetesExecutor } from '../../../internal/executor/kubernetes/kubernetes-executor.ts';
import type { KubernetesOptions } from '../../../internal/executor/kubernetes/kubernetes-options.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import type { Document } from '../../fixtures/schemas/make-check.ts';
import { ApiDouble } from '../../pkg/kubernetes/double/api-double.ts';

/** The rules that the agent's account gets; what is not among them the double refuses. */
export const rules: readonly Document[] = parseAllDocuments(
  readFileSync(join(import.meta.dirname, '../../../deploy/kubernetes/executor.yaml'), 'utf8'),
)
  .map((document): Document => document.toJS())
  .find(({ kind }) => kind === 'Role').rules;

/** Makes a base directory on a volume, a cluster that has it, and the end of both. */
export async function kubernetesPlace(more: Partial<KubernetesOptions> = {}) {
  const base = mkdtempSync(join(tmpdir(), 'executor-kubernetes-'));
  const secrets = { given: { FROM_SECRET: 'only in the pod' } };
  const api = await new ApiDouble({ claims: { work: base }, secrets, rules }).listen();
  return {
    base,
    api,
    makeExecutor: (other: Partial<KubernetesOptions> = {}) =>
      makeKubernetesExecutor({
        clock: systemClock,
        log: silentLog,
        access: { server: api.url, tls: {}, token: () => api.token, namespace: 'work', source: 'a test' },
        namespace: null,
        userAgent: 'test',
        baseDirectory: base,
        volume: { claim: 'work', mountPath: base, subPath: '' },
        image: 'debian:bookworm-slim',
        ttlSeconds: 3600,
        startTimeoutMs: 60_000,
        ...more,
        ...other,
      }),
    dispose: async () => {
      await api.stop();
      rmSync(base, { recursive: true, force: true });
      if (api.complaints.length > 0) throw new Error(`the double complains: ${api.complaints.join('\n')}`);
    },
  };
}
