import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunnerJob } from '../../../internal/runner/elsewhere/elsewhere.ts';
import type { KubernetesPlace } from '../../../internal/runner/elsewhere/kubernetes-place.ts';
import { runnerJobBody, runnerPod, secretBody } from '../../../internal/runner/elsewhere/runner-job.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { jobShape } from '../../../pkg/kubernetes/shapes.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';
import { makeCheck } from '../../fixtures/schemas/make-check.ts';

const names = { name: 'keruta-runner-1', namespace: 'acme', key: 'the-key' };
const place: KubernetesPlace = {
  ...{ clock: systemClock, random: systemRandom, log: silentLog, userAgent: 'test', namespace: 'acme' },
  access: { server: 'http://127.0.0.1:1', tls: {}, token: () => null, namespace: 'acme', source: 'a test' },
  ...{ image: 'acme/runner:1', secrets: ['git-token'], volume: null },
  ...{ ttlSeconds: 3600, startTimeoutMs: 60_000, nodeSelector: { disk: 'fast' }, serviceAccount: 'builder' },
};
const task: RunnerJob = {
  ...{ id: 'task', directory: '/runs/task.1/runner', artifactsDirectory: '/runs/task.1/runner/made' },
  ...{ runDirectory: '/runs/task.1', shared: [], readable: [], masked: ['of-the-agent'] },
  ...{ context: { title: 'a title' }, config: {}, env: { CI: 'true', MINE: 'a-value-of-mine' }, words: [] },
  ...{ timeoutMs: 90_500, limits: { memoryMb: 512, cpuPercent: 150 } },
  ...{ output: async () => {}, signal: new AbortController().signal },
};
const bodyOf = (job: Partial<RunnerJob>, other: Partial<KubernetesPlace> = {}) => {
  const whole = { ...task, ...job };
  return runnerJobBody(whole, { ...place, ...other }, runnerPod(whole, names));
};

describe('the job of a runner', () => {
  test('is what Kubernetes describes, as is its Secret, which the job owns', () => {
    const body = bodyOf({});
    expect(makeCheck('kubernetes-1.36.json', 'V1Job')(body)).toEqual([]);
    const made = jobShape.parse({ metadata: { name: names.name, uid: 'uid-1' } });
    const secret = secretBody(runnerPod(task, names), made);
    expect(makeCheck('kubernetes-1.36.json', 'V1Secret')(secret)).toEqual([]);
    expect(secret.metadata.ownerReferences).toMatchObject([{ name: names.name, uid: 'uid-1' }]);
  });

  test('has limits, place and time, and holds nothing that was handed over', () => {
    const { spec } = bodyOf({});
    const { spec: pod } = spec.template;
    expect(spec).toMatchObject({
      backoffLimit: 0,
      activeDeadlineSeconds: 181,
      ttlSecondsAfterFinished: 3600,
    });
    expect(pod).toMatchObject({ nodeSelector: { disk: 'fast' }, serviceAccountName: 'builder' });
    const limits = { memory: '536870912', cpu: '1.5' };
    for (const one of [...pod.initContainers, ...pod.containers])
      expect(one.resources).toEqual({ limits, requests: limits });
    for (const text of ['a-value-of-mine', 'of-the-agent', 'a title', 'the-key'])
      expect(JSON.stringify(spec)).not.toContain(text);
  });

  test('gives Secrets to what runs first alone', () => {
    const { initContainers, containers, volumes } = bodyOf({}).spec.template.spec;
    const secret = volumes.filter((volume) => 'secret' in volume).map(({ name }) => name);
    const mountsOf = (list: readonly { readonly volumeMounts: readonly { readonly name: string }[] }[]) =>
      list.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name));
    expect(secret).toEqual(['given', 'secret-0']);
    expect(mountsOf(initContainers)).toEqual(['given', 'taken', 'secret-0']);
    // a directory within another one is there with that
    expect(mountsOf(containers)).toEqual(['taken', 'own-0']);
  });

  test('brings programs and keys at their own places, which others cannot change', () => {
    const file = join(temporaryDirectory('brought'), 'agent');
    writeFileSync(file, '#!/bin/sh\n');
    chmodSync(file, 0o755);
    const { containers, volumes } = bodyOf({ readable: [file] }).spec.template.spec;
    expect(containers[0]?.volumeMounts.at(-1)).toEqual({
      ...{ name: 'file-0', mountPath: file, subPath: 'file-0', readOnly: true },
    });
    expect(volumes.at(-1)).toMatchObject({ secret: { items: [{ key: 'file-0', mode: 0o555 }] } });
  });

  test('mounts a directory that lies on the claim, and no more of that', () => {
    const volume = { claim: 'work', mountPath: '/srv', subPath: 'team' };
    const { containers } = bodyOf({ shared: ['/srv/slots/1'] }, { volume }).spec.template.spec;
    expect(containers[0]?.volumeMounts.at(-1)).toEqual({
      ...{ name: 'shared', mountPath: '/srv/slots/1', subPath: 'team/slots/1' },
    });
    expect(() => bodyOf({ shared: ['/elsewhere'] }, { volume })).toThrow(
      /\/elsewhere is a directory of this machine.*kubernetes\.volume_claim/,
    );
  });

  test.each([
    ['a directory', (directory: string) => ({ readable: [directory] }), /is no file, and what is brought/],
    [
      'an environment over a megabyte',
      () => ({ env: { BIG: 'x'.repeat(1024 ** 2) } }),
      /has \d+ bytes, and a Secret/,
    ],
  ])('is refused for %s', (_name, change, message) => {
    expect(() => bodyOf(change(temporaryDirectory('refused')))).toThrow(message);
  });
});
