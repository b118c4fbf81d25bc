import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readRunnerConfig } from '../../internal/runner/read-config.ts';
import { readRunnerFile } from '../../internal/runner/runner-file.ts';
import { useUpHere } from '../cmd/up-in-home.ts';
import { useCluster } from '../cmd/up-in-jobs.ts';
import { containersOf, knownVariables, textOf, unknownWords, version } from '../deploy/deployment-files.ts';
import { type Document, makeCheck } from '../fixtures/schemas/make-check.ts';
import { canRunPods } from '../pkg/kubernetes/double/can-run-pods.ts';

const objects = parseAllDocuments(textOf('examples/kubernetes/agent.yaml')).map(
  (document): Document => document.toJS(),
);

test('examples/kubernetes/agent.yaml is what Kubernetes describes, and what keruta takes', async () => {
  const check = (object: Document) => makeCheck('kubernetes-1.36.json', `V1${object.kind}`)(object);
  expect(objects.map(check)).toEqual([[], []]);
  const [container] = objects.flatMap(containersOf);
  const names = container.env.map(({ name }: Document) => name);
  expect(names.filter((name: string) => !knownVariables.has(name))).toEqual([]);
  expect(await unknownWords(container.args)).toEqual([]);
  expect(container.image).toBe(`registry.example.org/keruta:${version}`);
});

test('examples/kubernetes/runner.yaml has agent tasks done in pods of the namespace that the role is for', () => {
  const file = 'examples/kubernetes/runner.yaml';
  const { value } = readRunnerFile(textOf(file), { file, code: 'KERUTA_ERR_CONFIG' });
  expect(readRunnerConfig({ value, file, env: {} })).toMatchObject({
    executionMode: 'kubernetes',
    kubernetes: { namespace: 'keruta', secrets: ['git-token'] },
    limits: { memoryMb: 2048, cpuPercent: 200 },
  });
});

describe.runIf(canRunPods)('examples/kubernetes', () => {
  const cluster = useCluster('keruta-agent-jobs');
  const place = useUpHere({
    ...cluster.settings,
    KERUTA_CONFIG: join(import.meta.dirname, '../../examples/kubernetes/config.yaml'),
    // the home of the agent's pod is not here
    KERUTA_KUBERNETES_VOLUME_MOUNT: cluster.base,
  });

  test('has scripts run as jobs with limits, and with a Secret of which the agent knows the name alone', async () => {
    const specs: Document[] = [];
    const stop = cluster.api.store.watch(0, ({ kind, object }) => {
      if (kind === 'pods') specs.push(object.spec.containers[0]);
    });
    const { status, out } = await place.keruta(['run', '-c', 'echo "$REGISTRY_TOKEN"', '--quiet']);
    stop();
    expect([status, out]).toEqual([0, 'of the registry\n']);
    expect(specs[0]).toMatchObject({
      image: 'debian:bookworm-slim',
      resources: { limits: { memory: '536870912', cpu: '1.5' } },
      envFrom: [{ secretRef: { name: 'registry-access' } }],
    });
  });
});
