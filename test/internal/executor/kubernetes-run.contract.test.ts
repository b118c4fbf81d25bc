import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Executor, RunSpec } from '../../../internal/executor/executor.ts';
import { canRunPods } from '../../pkg/kubernetes/double/can-run-pods.ts';
import { endOf, outputOf, until } from './executor-contract.ts';
import { kubernetesPlace } from './kubernetes-place.ts';

let place: Awaited<ReturnType<typeof kubernetesPlace>>;
let executor: Executor;
let runs = 0;

beforeEach(async () => {
  place = await kubernetesPlace();
  executor = place.makeExecutor();
});
afterEach(async () => {
  await executor.close();
  await place.dispose();
});

const specOf = (script: string, more: Partial<RunSpec> = {}): RunSpec => {
  runs += 1;
  return {
    directory: join(place.base, 'runs', `Task_${runs}.1`),
    runId: `run-${process.pid}-${runs}`,
    script,
    workingDirectory: place.base,
    env: { PATH: '/usr/bin:/bin', BASE: place.base },
    input: 'none',
    ...more,
  };
};
const podName = () => until(() => place.api.store.list('pods')[0]?.metadata.name ?? null);
const jobs = () => place.api.store.list('jobs').map(({ metadata }) => metadata.name);
const text = async (run: Parameters<typeof outputOf>[0]) => (await outputOf(run)).toString();

describe.runIf(canRunPods)('a run in a pod', () => {
  const waiting = 'echo up; while [ ! -e go ]; do sleep 0.05; done; echo done; exit 7';
  const startWaiting = async (by = executor) => {
    const run = await by.start(specOf(waiting));
    await until(async () => (await run.size('stdout')) > 0);
    return run;
  };
  const letGo = async () => endOf(await executor.start(specOf(`: >$BASE/go`)));
  const lost = { exitCode: null, signal: null, shimLost: true, oomKilled: false };

  test.each([
    ['deleted by hand', 'deletePod', { ...lost, lostBy: 'deleted' }],
    ['evicted by its node', 'evict', { ...lost, lostBy: 'evicted' }],
    ['evicted by somebody who empties the node', 'drain', { ...lost, lostBy: 'evicted' }],
    ['out of memory', 'takeMemory', { exitCode: null, signal: 'SIGKILL', shimLost: false, oomKilled: true }],
    ['killed inside', 'crash', lost],
  ] as const)('whose pod is %s ends with that, also for another agent', async (_how, what, expected) => {
    const run = await startWaiting();
    await place.api.controllers[what](await podName(), 0);
    const end = await endOf(run);
    expect(end).toEqual({ ...expected, endedAt: expect.any(Number) });
    expect(await text(run)).toBe('up\n');
    await until(() => jobs().length === 0);
    const other = place.makeExecutor();
    expect(await (await other.attach(run.directory))?.ended()).toEqual(end);
    await other.close();
  });

  test('whose job is deleted by hand ends as lost', async () => {
    const run = await startWaiting();
    await place.api.controllers.deleteJob(jobs()[0]);
    expect(await endOf(run)).toMatchObject({ shimLost: true, lostBy: 'deleted' });
  });

  test('goes on while watches break and expire and the cluster is away, and its end is known without it', async () => {
    const run = await startWaiting();
    place.api.drop('watch');
    place.api.expire();
    await place.api.goAway();
    expect(await run.ended()).toBeNull();
    const calls: number[] = [];
    const stop = run.watch(() => calls.push(1));
    await place.api.listen();
    await letGo();
    await place.api.goAway();
    expect(await endOf(run)).toMatchObject({ exitCode: 7, shimLost: false });
    expect(await text(run)).toBe('up\ndone\n');
    expect(calls.length).toBeGreaterThan(0);
    stop();
    await place.api.listen();
  });

  test('is killed, with its pod and its job, also after its own ears were cut off', async () => {
    const run = await startWaiting();
    rmSync(join(run.directory, 'pod'), { recursive: true });
    expect(await run.kill()).toBe(1);
    expect(await endOf(run)).toMatchObject({ signal: 'SIGKILL', shimLost: false, oomKilled: false });
    expect([jobs(), place.api.store.list('pods')]).toEqual([[], []]);
  });

  test('is killed when the cluster is back, and nothing runs meanwhile', async () => {
    const run = await startWaiting();
    await place.api.goAway();
    const killed = run.kill();
    await until(() => existsSync(join(run.directory, 'drained')));
    await place.api.listen();
    expect(await killed).toBeGreaterThan(0);
    expect(jobs()).toEqual([]);
  });

  test('says nothing of its environment to whoever may read jobs, and leaves no file of it', async () => {
    const spec = specOf('echo "$HIDDEN"', { env: { PATH: '/usr/bin:/bin', HIDDEN: 'a secret value' } });
    const run = await executor.start(spec);
    const job = JSON.stringify(place.api.store.list('jobs'));
    expect(job).not.toContain('a secret value');
    expect(job).toContain('"image":"debian:bookworm-slim"');
    expect(await text(run)).toBe('a secret value\n');
    expect(existsSync(join(spec.directory, 'environment'))).toBe(false);
    expect(statSync(join(spec.directory, 'shim.sh')).mode & 0o777).toBe(0o600);
  });

  test('gets Secrets by their names, as variables and as files, and the image’s own PATH', async () => {
    const other = place.makeExecutor({
      secrets: [
        { name: 'given', mountPath: null },
        { name: 'given', mountPath: join(place.base, 'secret') },
      ],
      inherited: { PATH: '/agent/bin', HOME: '/home/agent' },
    });
    const env = { PATH: '/of/the/run:/agent/bin', HOME: '/home/agent', OWN: 'yes' };
    mkdirSync(join(place.base, 'secret'));
    const script = 'echo "$FROM_SECRET|$(cat secret/FROM_SECRET)|$PATH|$HOME|$FROM_IMAGE|$OWN"';
    const run = await other.start(specOf(script, { env }));
    const imagePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    expect(await text(run)).toBe(`only in the pod|only in the pod|/of/the/run:${imagePath}|/root|yes|yes\n`);
    expect(JSON.stringify(place.api.store.list('jobs'))).not.toContain('only in the pod');
    await other.close();
  });

  test('has of the volume its own directories, and what is shared to be read', async () => {
    mkdirSync(join(place.base, 'bin'));
    mkdirSync(join(place.base, 'work'));
    const shared = [
      { path: join(place.base, 'bin'), readOnly: true },
      { path: '/not/on/the/volume', readOnly: true },
    ];
    const other = place.makeExecutor({ shared });
    const spec = specOf(': >$BASE/bin/x && echo wrote || echo refused', {
      workingDirectory: join(place.base, 'work'),
    });
    const run = await other.start(spec);
    const { volumeMounts } = place.api.store.list('jobs')[0].spec.template.spec.containers[0];
    expect(await text(run)).toBe('refused\n');
    expect(
      volumeMounts.map(({ mountPath, subPath, readOnly }: Record<string, unknown>) => [
        mountPath,
        subPath,
        readOnly,
      ]),
    ).toEqual([
      [join(place.base, 'bin'), 'bin', true],
      [spec.directory, `runs/${spec.directory.split('/').at(-1)}`, undefined],
      [spec.workingDirectory, 'work', undefined],
      [join(spec.directory, 'pipes'), undefined, undefined],
    ]);
    await other.close();
  });

  test('runs its script once, however many pods the cluster makes for its job', async () => {
    const run = await executor.start(specOf(`echo ran >>$BASE/ledger; ${waiting}`));
    await place.api.controllers.makeSecondPod(jobs()[0]);
    await until(() => place.api.store.list('pods').some(({ status }) => status.phase === 'Failed'));
    expect(await run.ended()).toBeNull();
    await letGo();
    expect(await endOf(run)).toMatchObject({ exitCode: 7 });
    expect(readFileSync(join(place.base, 'ledger'), 'utf8')).toBe('ran\n');
  });

  test('is found again by an agent that comes when it has ended and its job is gone', async () => {
    const run = await executor.start(specOf('echo x; exit 3'));
    await text(run);
    await until(() => jobs().length === 0);
    const other = place.makeExecutor();
    const again = await other.attach(run.directory);
    expect(await again?.ended()).toMatchObject({ exitCode: 3, shimLost: false });
    await other.close();
  });
});

describe.runIf(canRunPods)('a start', () => {
  const fails = async (code: string, more: Parameters<typeof place.makeExecutor>[0] = {}) => {
    const other = place.makeExecutor(more);
    const spec = specOf('echo ran >>$BASE/ledger');
    const error: Error = await other.start(spec).then(
      () => Promise.reject(new Error('it began')),
      (reason) => reason,
    );
    expect(error).toMatchObject({ code });
    expect(jobs()).toEqual([]);
    expect(existsSync(join(spec.directory, 'environment'))).toBe(false);
    expect(existsSync(join(place.base, 'ledger'))).toBe(false);
    await other.close();
    return error.message;
  };

  test('of a pod that no node takes ends in time, with what the scheduler says', async () => {
    place.api.controllers.fate = { kind: 'unschedulable' };
    const message = await fails('KERUTA_ERR_POD_UNSCHEDULABLE', { startTimeoutMs: 4_000 });
    expect(message).toContain('0/3 nodes are available: 3 Insufficient memory.');
  });

  test.each([
    ['ImagePullBackOff', 'Back-off pulling image "x"', 'KERUTA_ERR_IMAGE_PULL'],
    ['InvalidImageName', 'couldn’t parse image name', 'KERUTA_ERR_IMAGE_PULL'],
    ['CreateContainerError', 'exec: "sh": executable file not found in $PATH', 'KERUTA_ERR_IMAGE_UNFIT'],
    ['CreateContainerConfigError', 'secret "x" not found', 'KERUTA_ERR_JOB_REFUSED'],
  ])('whose container waits for %s is given up, and says why', async (reason, message, code) => {
    place.api.controllers.fate = { kind: 'waits', reason, message };
    expect(await fails(code)).toContain(message);
  });

  test('that may still get its image is waited for', async () => {
    place.api.controllers.fate = { kind: 'waits', reason: 'ErrImagePull', message: 'timeout' };
    expect(await fails('KERUTA_ERR_IMAGE_PULL', { startTimeoutMs: 4_000 })).toContain('timeout');
  });

  test('in an image without a shell says so', async () => {
    const message = 'exec: "sh": executable file not found in $PATH: unknown';
    place.api.controllers.fate = { kind: 'start-error', reason: 'StartError', message };
    expect(await fails('KERUTA_ERR_IMAGE_UNFIT')).toContain('has no shell (sh)');
  });

  test.each([
    ['echo the image has no mkfifo; exit 122', 'KERUTA_ERR_IMAGE_UNFIT', 'the image has no mkfifo'],
    ['exit 120', 'KERUTA_ERR_JOB_REFUSED', 'cannot read and write the run directory'],
    ['echo one; echo two words; exit 9', 'KERUTA_ERR_POD_NOT_STARTED', 'its log ends with: one two words'],
  ])('whose pod ends by itself tells what its log says: %s', async (script, code, said) => {
    place.api.controllers.fate = { kind: 'runs-instead', script };
    expect(await fails(code)).toContain(said);
  });

  test('whose Secret is not there names it', async () => {
    const message = await fails('KERUTA_ERR_JOB_REFUSED', { secrets: [{ name: 'gone', mountPath: null }] });
    expect(message).toContain('secret "gone" not found');
  });

  test('for which the cluster makes no pod ends in time', async () => {
    place.api.controllers.fate = { kind: 'no-pod' };
    const message = await fails('KERUTA_ERR_POD_NOT_STARTED', { startTimeoutMs: 500 });
    expect(message).toContain('the cluster made no pod for it');
  });

  test('whose job somebody deletes meanwhile ends at once', async () => {
    place.api.controllers.fate = { kind: 'unschedulable' };
    const failing = fails('KERUTA_ERR_POD_NOT_STARTED');
    await podName();
    await place.api.controllers.deleteJob(jobs()[0]);
    expect(await failing).toContain('somebody deleted it');
  });

  test('outside of the volume is refused before anything is made', async () => {
    const spec = specOf('true', { workingDirectory: '/tmp' });
    await expect(executor.start(spec)).rejects.toMatchObject({
      code: 'KERUTA_ERR_JOB_REFUSED',
      message: expect.stringContaining('/tmp is not on the volume'),
    });
    expect(existsSync(spec.directory)).toBe(false);
  });

  test('goes through although the cluster is overloaded, and although the answer is lost', async () => {
    place.api.fail({ match: /^POST .*jobs$/, status: 429, retryAfterSeconds: 0 });
    place.api.fail({ match: /^POST .*jobs$/, status: 500 });
    expect(await endOf(await executor.start(specOf('exit 4')))).toMatchObject({ exitCode: 4 });
    place.api.fail({ match: /^POST .*jobs$/, status: 0, isDone: true });
    const run = await executor.start(specOf('echo ran >>$BASE/ledger; exit 5'));
    expect(await endOf(run)).toMatchObject({ exitCode: 5 });
    expect(readFileSync(join(place.base, 'ledger'), 'utf8')).toBe('ran\n');
  });

  test('that came through before the cluster went away is no failed one', async () => {
    place.api.fail({ match: /^POST .*jobs$/, status: 0, isDone: true });
    place.api.fail({ match: /^POST .*jobs$/, status: 503, times: 9 });
    const run = await executor.start(specOf('echo ran >>$BASE/ledger; exit 5'));
    expect(await endOf(run)).toMatchObject({ exitCode: 5 });
    expect(readFileSync(join(place.base, 'ledger'), 'utf8')).toBe('ran\n');
  });

  test('with a cluster that is away, or refuses this account, says which', async () => {
    place.api.fail({ match: /^POST .*jobs$/, status: 403, times: 2 });
    await expect(executor.start(specOf('true'))).rejects.toMatchObject({ code: 'KERUTA_ERR_CLUSTER_DENIED' });
    await place.api.goAway();
    await expect(executor.start(specOf('true'))).rejects.toMatchObject({
      code: 'KERUTA_ERR_CLUSTER_UNAVAILABLE',
      message: expect.stringContaining(place.api.url),
    });
    await place.api.listen();
  });

  test('that its agent did not live to see is taken back by the next one, and made again', async () => {
    place.api.controllers.fate = { kind: 'unschedulable' };
    const spec = specOf('echo ran >>$BASE/ledger; exit 6');
    // dies with the place
    executor.start(spec).catch(() => {});
    await podName();
    const next = place.makeExecutor();
    expect(await next.attach(spec.directory)).toBeNull();
    expect([jobs(), await next.isUntouched(spec.directory)]).toEqual([[], true]);
    place.api.controllers.fate = { kind: 'runs' };
    expect(await endOf(await next.start(spec))).toMatchObject({ exitCode: 6 });
    expect(readFileSync(join(place.base, 'ledger'), 'utf8')).toBe('ran\n');
    await next.close();
  });
});

describe.runIf(canRunPods)('jobs that were left behind', () => {
  test('are deleted by the next agent of the base directory, those of others are not', async () => {
    const waiting = 'echo up; sleep 300';
    const [left, other] = [await executor.start(specOf(waiting)), await executor.start(specOf(waiting))];
    const elsewhere = place.makeExecutor({ baseDirectory: join(place.base, 'another') });
    rmSync(left.directory, { recursive: true, force: true });
    elsewhere.prepare();
    await elsewhere.close();
    expect(jobs()).toHaveLength(2);
    const next = place.makeExecutor();
    next.prepare();
    await until(() => jobs().length === 1);
    expect(await (await next.attach(other.directory))?.ended()).toBeNull();
    await next.close();
  });
});
