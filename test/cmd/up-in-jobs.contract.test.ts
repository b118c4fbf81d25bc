import { describe, expect, test } from 'vitest';
import { until } from '../internal/executor/executor-contract.ts';
import { canRunPods } from '../pkg/kubernetes/double/can-run-pods.ts';
import { useUpHere } from './up-in-home.ts';
import { useCluster } from './up-in-jobs.ts';

describe.runIf(canRunPods)('an agent whose scripts run as jobs of a cluster', () => {
  const cluster = useCluster('work');
  const settings = {
    ...cluster.settings,
    KERUTA_EXECUTOR: 'kubernetes',
    KERUTA_KUBERNETES_IMAGE: 'debian:bookworm-slim',
    KERUTA_KUBERNETES_VOLUME_CLAIM: 'work',
    KERUTA_KUBERNETES_NODE_SELECTOR: 'disk=fast',
  };
  const place = useUpHere(settings);
  const shown = async () => {
    const { out: list } = await place.keruta(['task', 'list', '--json']);
    const tasks = (JSON.parse(list) as { id: string; createdAt: number }[]).map(({ id }) => id);
    const all = await Promise.all(tasks.map((id) => place.keruta(['task', 'show', id, '--json'])));
    return all.map(({ out }) => JSON.parse(out) as Record<string, unknown>);
  };

  test('runs a task with the files of the image, and hears what it says of itself', async () => {
    const script =
      'echo "$FROM_IMAGE"; keruta progress 40 --message half; keruta fail --message no --error-code E1';
    const { status, out } = await place.keruta(['run', '-c', script, '--quiet']);
    expect([status, out]).toEqual([1, 'yes\n']);
    expect(await shown()).toEqual([
      expect.objectContaining({ status: 'FAILED', message: 'no', errorCode: 'E1' }),
    ]);
    await until(() => cluster.api.store.list('jobs').length === 0);
  });

  test('hands on what is answered', async () => {
    const script = 'read answer; echo "got $answer"';
    const running = place.keruta(['run', '-c', script, '--quiet', '--input', 'wait']);
    const id = await until(async () => {
      const found = (await shown()).find(({ status }) => status === 'WAITING_FOR_INPUT');
      return found === undefined ? null : String(found.id);
    });
    expect((await place.keruta(['task', 'input', id, 'forty-two'])).status).toBe(0);
    expect(await running).toMatchObject({ status: 0, out: 'got forty-two\n' });
  });

  test('says that the pod of a task was evicted', async () => {
    let running: ReturnType<typeof place.keruta> | undefined;
    await new Promise<string>((onOutput) => {
      running = place.keruta(['run', '-c', 'echo up; sleep 300', '--quiet'], { onOutput });
    });
    const pod = cluster.api.store.list('pods').findLast(({ status }) => status.phase === 'Running');
    expect(pod.spec.nodeSelector).toEqual({ disk: 'fast' });
    await cluster.api.controllers.evict(pod.metadata.name);
    expect((await running)?.status).not.toBe(0);
    expect((await shown()).map(({ reason }) => reason)).toContain('pod_evicted');
  });

  test('says why a pod did not begin', async () => {
    const message = 'exec: "sh": executable file not found in $PATH';
    cluster.api.controllers.fate = { kind: 'start-error', reason: 'StartError', message };
    expect((await place.keruta(['run', '-c', 'true', '--quiet'])).status).not.toBe(0);
    cluster.api.controllers.fate = { kind: 'runs' };
    expect(await shown()).toContainEqual(
      expect.objectContaining({ reason: 'refused', errorCode: 'KERUTA_ERR_IMAGE_UNFIT' }),
    );
  });

  test('doctor says that the cluster answers, what is missing there, and when it is away', async () => {
    const env = { PATH: process.env.PATH ?? '', ...settings };
    const look = async (more = {}) => (await place.keruta(['doctor'], { env: { ...env, ...more } })).out;
    expect(await look()).toMatch(
      /cluster +ok +the cluster at .* answers \(v1\.36\.0\).*the claim work is there/,
    );
    expect(await look({ KERUTA_KUBERNETES_VOLUME_CLAIM: 'other' })).toMatch(/cluster +fail .*no claim other/);
    expect(await look({ KERUTA_EXECUTOR: 'local' })).toMatch(/cluster +skipped/);
    expect(await look({ KERUTA_KUBERNETES_CONTEXT: 'none' })).toMatch(
      /cluster +fail .*has no context "none"/,
    );
    cluster.api.fail({ match: /version/, status: 401 });
    expect(await look()).toMatch(/cluster +fail .*cannot tell its version: a planned fault, 401/);
  });
});
