import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { Cluster } from '../../../pkg/kubernetes/cluster.ts';
import { followLog } from '../../../pkg/kubernetes/follow-log.ts';
import { ObjectCache } from '../../../pkg/kubernetes/object-cache.ts';
import { until } from '../../internal/executor/executor-contract.ts';
import { ApiDouble } from './double/api-double.ts';
import { canRunPods } from './double/can-run-pods.ts';
import { jobBody } from './double/job-body.ts';

let api: ApiDouble;
let cluster: Cluster;

beforeEach(async () => {
  api = await new ApiDouble({ claims: { shared: '/srv' }, secrets: {} }).listen();
  const { url, token } = api;
  cluster = new Cluster({
    access: { server: url, tls: {}, token: () => token, namespace: 'work', source: 'a test' },
    clock: systemClock,
    namespace: null,
    userAgent: 'test',
  });
});
afterEach(async () => {
  await cluster.close();
  await api.stop();
  expect(api.complaints).toEqual([]);
});

const podOf = (job: string) =>
  until(async () => (await cluster.list('pods', `job-name=${job}`)).items[0] ?? null);

describe('a cluster', () => {
  test.runIf(canRunPods)('makes a job once, tells of it, and deletes it with its pods', async () => {
    await cluster.createJob(jobBody('one', 'sleep 300'));
    await expect(cluster.createJob(jobBody('one', 'sleep 1'))).rejects.toMatchObject({
      kind: 'refused',
      status: 409,
      reason: 'AlreadyExists',
    });
    await until(async () => (await podOf('one')).status.phase === 'Running');
    expect(await cluster.deleteJob('one')).toBe(true);
    await until(async () => (await cluster.getJob('one')) === null);
    expect((await cluster.list('pods', 'job-name=one')).items).toEqual([]);
    expect(await cluster.deleteJob('one')).toBe(false);
  });

  test('makes a secret once, deletes it, and has it go with the job that owns it', async () => {
    api.controllers.fate = { kind: 'no-pod' };
    const { metadata } = await cluster.createJob(jobBody('one', 'true'));
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'one', uid: metadata.uid };
    const secret = (name: string) => ({
      ...{ apiVersion: 'v1', kind: 'Secret' },
      metadata: { name, namespace: 'work', ownerReferences: [owner] },
      data: { key: 'dmFsdWU=' },
    });
    for (const name of ['kept', 'gone']) await cluster.createSecret(secret(name));
    await expect(cluster.createSecret(secret('gone'))).rejects.toMatchObject({ status: 409 });
    expect([await cluster.deleteSecret('gone'), await cluster.deleteSecret('gone')]).toEqual([true, false]);
    await cluster.deleteJob('one');
    await until(() => api.store.list('secrets').length === 0);
  });

  test.runIf(canRunPods)(
    'tells of what runs before the container of a pod, and why it went wrong',
    async () => {
      const body = jobBody('one', 'true');
      const { spec } = body.spec.template;
      const message = { terminationMessagePolicy: 'FallbackToLogsOnError' };
      spec.initContainers = [
        { ...spec.containers[0], ...message, command: ['sh', '-c', 'echo no room; exit 3'] },
      ];
      await cluster.createJob(body);
      const pod = await until(async () => {
        const found = await podOf('one');
        return found.status.phase === 'Failed' && found;
      });
      expect(pod.status.initContainerStatuses.map(({ state }) => state.terminated)).toMatchObject([
        { exitCode: 3, message: 'no room' },
      ]);
      expect(pod.status.containerStatuses[0]?.state.waiting?.reason).toBe('PodInitializing');
    },
  );

  test('lists more objects than fit into one answer', async () => {
    api.controllers.fate = { kind: 'no-pod' };
    for (let number = 0; number < 501; number++) api.store.set('jobs', jobBody(`job-${number}`, 'true'));
    expect((await cluster.list('jobs', 'test=yes')).items).toHaveLength(501);
    expect((await cluster.list('jobs', 'test=no')).items).toHaveLength(0);
  });

  test('asks again after a fault that passes, and not after another one', async () => {
    api.fail({ match: /GET .*jobs\/one/, status: 429, retryAfterSeconds: 0 });
    api.fail({ match: /GET .*jobs\/one/, status: 503 });
    expect(await cluster.getJob('one')).toBeNull();
    expect(api.requests).toHaveLength(3);
    api.fail({ match: /GET .*jobs\/one/, status: 400 });
    await expect(cluster.getJob('one')).rejects.toMatchObject({ kind: 'refused', status: 400 });
    expect(api.requests).toHaveLength(4);
  });

  test('that stays away or faulty is told from one that refuses this account', async () => {
    api.fail({ match: /version/, status: 500, times: 9 });
    await expect(cluster.version()).rejects.toMatchObject({ kind: 'unreachable', status: 500 });
    api.fail({ match: /jobs/, status: 403 });
    await expect(cluster.getJob('x')).rejects.toMatchObject({ kind: 'denied', status: 403 });
    await api.goAway();
    await expect(cluster.getJob('x')).rejects.toMatchObject({ kind: 'unreachable', status: null });
    await api.listen();
    expect(await cluster.getJob('x')).toBeNull();
  });

  test('tells what this account may do, and of the claim of a volume', async () => {
    expect(await cluster.may({ verb: 'create', group: 'batch', resource: 'jobs' })).toBe(true);
    expect(await cluster.claim('shared')).toMatchObject({ status: { phase: 'Bound' } });
    expect(await cluster.claim('other')).toBeNull();
  });
});

describe('a cache of objects', () => {
  const makeCache = (away: unknown[], relistMs?: number) => {
    const cache = new ObjectCache({
      cluster,
      clock: systemClock,
      kind: 'jobs',
      selector: 'test=yes',
      onChange: () => {},
      onAway: (error) => away.push(error),
      ...(relistMs === undefined ? {} : { relistMs }),
    });
    cache.start();
    return cache;
  };

  test('follows what is made, changed and deleted', async () => {
    api.controllers.fate = { kind: 'no-pod' };
    const cache = makeCache([]);
    await until(() => cache.isCurrent);
    api.store.set('jobs', jobBody('one', 'true'));
    await until(() => cache.get('one'));
    api.store.delete('jobs', 'one');
    await until(() => cache.get('one') === null);
    await cache.stop();
  });

  test('goes on after its watch broke, without listing again', async () => {
    api.controllers.fate = { kind: 'no-pod' };
    const cache = makeCache([]);
    await until(() => api.drop('watch') > 0);
    api.store.set('jobs', jobBody('one', 'true'));
    await until(() => cache.get('one'));
    expect(api.requests.filter((line) => line.includes('limit='))).toHaveLength(1);
    await cache.stop();
  });

  test('lists anew when what was is forgotten, in the watch or before it', async () => {
    api.controllers.fate = { kind: 'no-pod' };
    const cache = makeCache([]);
    await until(() => cache.isCurrent);
    for (const name of ['one', 'two']) {
      api.expire();
      api.store.set('jobs', jobBody(name, 'true'));
      await until(() => cache.get(name));
    }
    api.fail({ match: /watch=1/, status: 410 });
    api.drop('watch');
    api.store.delete('jobs', 'one');
    await until(() => cache.get('one') === null);
    await cache.stop();
  });

  test('lists anew every now and then, whatever its watch says', async () => {
    const cache = makeCache([], 20);
    await until(() => api.requests.filter((line) => line.includes('limit=')).length >= 3);
    await cache.stop();
  });

  test('says when the cluster is away, and when it is back', async () => {
    const away: unknown[] = [];
    const cache = makeCache(away);
    await until(() => cache.isCurrent);
    await api.goAway();
    await until(() => !cache.isCurrent);
    await api.listen();
    await until(() => cache.isCurrent);
    expect(away).toEqual([expect.objectContaining({ kind: 'unreachable' }), null]);
    await cache.stop();
  });
});

test.runIf(canRunPods)(
  'the log of a pod comes whole and in order, however often its connection breaks',
  async () => {
    await cluster.createJob(jobBody('talk', 'for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.1; done'));
    const pod = await podOf('talk');
    const lines: string[] = [];
    const signal = new AbortController().signal;
    const mayGoOn = () => lines.length < 9;
    const parts = {
      cluster,
      clock: systemClock,
      pod: pod.metadata.name,
      container: 'script',
      mayGoOn,
      signal,
    };
    for await (const line of followLog(parts)) {
      lines.push(line);
      if (line === 'line 2' || line === 'line 5') api.drop('log');
    }
    expect(lines).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => `line ${number}`));
  },
);
