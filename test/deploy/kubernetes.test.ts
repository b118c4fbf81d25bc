import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../internal/server/start-server.ts';
import {
  containersOf,
  kerutaLines,
  knownVariables,
  kubernetesObjects,
  makeCheck,
  readDocument,
  serverPort,
  unknownWords,
  version,
} from './deployment-files.ts';

/** What the objects are called in the schemas, of the oldest and of the newest Kubernetes that they are held against. */
const definitionOf: Readonly<Record<string, (apiVersion: string, kind: string) => string>> = {
  'kubernetes-1.22.json': (apiVersion, kind) =>
    `io.k8s.api.${apiVersion === 'v1' ? 'core/v1' : apiVersion}.${kind}`.replace('/', '.'),
  'kubernetes-1.36.json': (_apiVersion, kind) => `V1${kind}`,
};
const schemas = Object.keys(definitionOf);
const check = (schema: string, object: { apiVersion: string; kind: string }) => {
  const definition = definitionOf[schema]?.(object.apiVersion, object.kind);
  return makeCheck(schema, definition)(object);
};

const all = kubernetesObjects();
const pods = all.filter(({ object }) => containersOf(object).length > 0);
const kustomization = readDocument('deploy/kubernetes/kustomization.yaml');

describe('the Kubernetes manifests', () => {
  test.each(schemas)('are what %s describes, and nothing besides', (schema) => {
    expect(all.map(({ file, object }) => [file, object.kind, check(schema, object)])).toEqual([
      ['agent-job.yaml', 'Job', []],
      ['agent.yaml', 'PersistentVolumeClaim', []],
      ['agent.yaml', 'Deployment', []],
      ['namespace.yaml', 'Namespace', []],
      ['server.yaml', 'Deployment', []],
      ['server.yaml', 'Service', []],
      ['server.yaml', 'PodDisruptionBudget', []],
    ]);
  });

  test.each(schemas)(
    'are refused by %s with a field that is misspelt, missing, or of another type',
    (schema) => {
      const server = structuredClone(all.find(({ object }) => object.kind === 'Deployment')?.object);
      const [container] = containersOf(server);
      container.livenesProbe = {};
      container.resources.requests.cpu = true;
      server.spec.selector = undefined;
      expect(check(schema, server).map((text) => text.split(' ')[0])).toEqual(
        expect.arrayContaining([
          '/spec/template/spec/containers/0',
          '/spec/template/spec/containers/0/resources/requests/cpu',
          '/spec',
        ]),
      );
    },
  );

  test('are applied together, except the job, which is made for one workspace', () => {
    const files = new Set(all.map(({ file }) => file));
    expect([...kustomization.resources, 'agent-job.yaml'].sort()).toEqual([...files].sort());
  });

  test('ask for the image of this version', () => {
    expect(kustomization.images).toEqual([
      { name: 'keruta', newName: 'registry.example.org/keruta', newTag: version },
    ]);
    const images = pods.flatMap(({ file, object }) =>
      containersOf(object).map(({ image }: { image: string }) => [file, image]),
    );
    expect(images).toEqual([
      ['agent-job.yaml', `registry.example.org/keruta:${version}`],
      ['agent.yaml', 'keruta'],
      ['server.yaml', 'keruta'],
    ]);
  });

  test.each(pods.map(({ file, object }) => [file, object] as const))(
    '%s starts a command that exists, with variables that are settings, unprivileged, with requests of resources',
    async (_file, object) => {
      for (const container of containersOf(object)) {
        expect(await unknownWords(container.args)).toEqual([]);
        const names: string[] = container.env.map(({ name }: { name: string }) => name);
        expect(names.filter((name) => !knownVariables.has(name))).toEqual([]);
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.resources.requests).toEqual({
          cpu: expect.any(String),
          memory: expect.any(String),
        });
      }
      expect(object.spec.template.spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 1000,
      });
    },
  );

  test('select the pods that they mean', () => {
    const server = all.find(
      ({ file, object }) => file === 'server.yaml' && object.kind === 'Deployment',
    )?.object;
    const labels = server.spec.template.metadata.labels;
    const selectors = all
      .filter(({ file }) => file === 'server.yaml')
      .map(({ object }) => object.spec.selector.matchLabels ?? object.spec.selector);
    expect(selectors).toEqual([labels, labels, labels]);
  });
});

describe('the server in Kubernetes', () => {
  const object = all.find(
    ({ file, object: { kind } }) => file === 'server.yaml' && kind === 'Deployment',
  )?.object;
  const [container] = containersOf(object);
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  }, 60_000);
  afterAll(() => server.close());

  test('is probed at addresses that a server answers without token, at its own port', async () => {
    expect(container.ports).toEqual([{ name: 'http', containerPort: serverPort }]);
    const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe];
    expect(probes.map(({ httpGet }) => httpGet.port)).toEqual(['http', 'http', 'http']);
    const paths = probes.map(({ httpGet }) => httpGet.path);
    expect(paths).toEqual(['/readyz', '/readyz', '/livez']);
    for (const path of paths) {
      const answer = await fetch(server.url + path);
      expect([path, answer.status]).toEqual([path, 200]);
    }
  });

  test('is left to one of its servers by a disruption, and started anew for what a new start mends', () => {
    const budget = all.find(({ object: { kind } }) => kind === 'PodDisruptionBudget')?.object;
    expect([object.spec.replicas, budget.spec.minAvailable]).toEqual([2, 1]);
    // /livez does not ask for the database: a server whose database is away mends by itself
    expect(container.livenessProbe.httpGet.path).toBe('/livez');
  });

  test('says where its metrics are', () => {
    expect(object.spec.template.metadata.annotations).toEqual({
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': String(serverPort),
      'prometheus.io/path': '/metrics',
    });
  });
});

describe('the agent in Kubernetes', () => {
  test('is asked by a command that exists', async () => {
    const object = all.find(
      ({ file, object: { kind } }) => file === 'agent.yaml' && kind === 'Deployment',
    )?.object;
    const [container] = containersOf(object);
    const lines = kerutaLines(container.livenessProbe.exec.command.join(' '));
    expect(lines).toEqual([['daemon', 'status', '--json']]);
    expect(await unknownWords(lines[0] ?? [])).toEqual([]);
  });

  test('is never there twice on one disk', () => {
    const object = all.find(
      ({ file, object: { kind } }) => file === 'agent.yaml' && kind === 'Deployment',
    )?.object;
    expect([object.spec.replicas, object.spec.strategy]).toEqual([1, { type: 'Recreate' }]);
  });
});
