/** What is the docker adapter's own, on a real engine. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { containerName } from '../../../internal/executor/docker/container-name.ts';
import type { RunSpec } from '../../../internal/executor/executor.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { bareImage, dockerPlace, engineHost, image } from './docker-engine.ts';
import { endOf, outputOf, until } from './executor-contract.ts';

describe.skipIf(engineHost === null)('a run in a container', () => {
  let place: ReturnType<typeof dockerPlace>;
  let spec: RunSpec;

  beforeEach(() => {
    place = dockerPlace();
    spec = {
      directory: join(place.base, 'runs', 'task-7.2'),
      runId: `run-${place.base}`,
      script: 'exit 0',
      workingDirectory: place.base,
      env: { PATH: '/usr/bin:/bin' },
      input: 'none',
    };
  });
  afterEach(() => place.dispose());

  const textOf = async (script: string, more: Partial<RunSpec> = {}, executor = place.makeExecutor()) =>
    (await outputOf(await executor.start({ ...spec, script, ...more }))).toString();
  const container = () => place.engine.inspect(containerName(spec.directory));

  test('values of the environment stand neither in the container nor in a file, and what is there is labelled', async () => {
    const env = { ...spec.env, API_SECRET: 'hidden-value-1' };
    const run = await place.makeExecutor().start({ ...spec, env, script: 'echo $API_SECRET; sleep 60' });
    await until(async () => (await run.size('stdout')) > 0);
    const docker = ['-H', engineHost ?? '', 'inspect', containerName(spec.directory)];
    const told = spawnSync('/usr/bin/docker', docker, { encoding: 'utf8' });
    expect(told.status).toBe(0);
    expect(told.stdout).toContain('"keruta.task-id": "task-7"');
    expect(told.stdout).not.toContain('hidden-value-1');
    for (const file of readdirSync(spec.directory, { withFileTypes: true })) {
      const path = join(spec.directory, file.name);
      expect([path, statSync(path).mode & 0o077]).toEqual([path, 0]);
      if (file.isFile() && file.name !== 'stdout')
        expect(readFileSync(path, 'latin1')).not.toContain('hidden-value-1');
    }
    expect((await container())?.labels).toMatchObject({
      'keruta.run-id': spec.runId,
      'keruta.task-id': 'task-7',
      'keruta.attempt': '2',
      'keruta.agent': place.base,
    });
    await run.kill();
    expect(await container()).toBeNull();
  });

  test('the container is removed once the run has ended and its output is there', async () => {
    const executor = place.makeExecutor();
    expect(await textOf('echo x', {}, executor)).toBe('x\n');
    await executor.close();
    expect(await container()).toBeNull();
  });

  test('what the agent hands on of its machine gives way to the image; the rest arrives', async () => {
    const inherited = { PATH: '/opt/agent/bin', HOME: '/home/agent', LANG: 'C', IMAGE_SAYS: 'agent' };
    const env = { ...inherited, PATH: '/front:/opt/agent/bin', PARAM_X: "it's", HOSTNAME: 'chosen' };
    const executor = place.makeExecutor({ inherited });
    const script = 'printf "%s|" "$PATH" "$HOME" "$LANG" "$IMAGE_SAYS" "$PARAM_X" "$HOSTNAME"';
    const [path, ...others] = (await textOf(script, { env }, executor)).split('|');
    expect(path).toBe('/front:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    expect(others.slice(0, 5)).toEqual(['/', 'C', 'agent', "it's", 'chosen']);
  });

  test('volumes, shared directories and limits are those of the settings, and nothing else of the machine is seen', async () => {
    const [data, tools] = ['data', 'tools'].map((name) => join(place.base, 'more', name));
    for (const at of [data, tools]) mkdirSync(at ?? '', { recursive: true });
    writeFileSync(join(data ?? '', 'file'), 'from outside\n');
    const executor = place.makeExecutor({
      volumes: [{ source: data ?? '', target: '/data', readOnly: true }],
      shared: [
        { path: tools ?? '', readOnly: false },
        { path: '/not/there', readOnly: true },
      ],
      pidsLimit: 64,
      cpus: 0.5,
      memoryBytes: 64 << 20,
      network: 'none',
    });
    const script = `cat /data/file; : >/data/new || echo read-only; ls -d ${tools}; cat /sys/class/net/*/operstate; ls -d /home/* /root/*`;
    const work = join(place.base, 'work');
    mkdirSync(work);
    const text = await textOf(`${script}; ls ${place.base}`, { workingDirectory: work }, executor);
    expect(text).toBe(`from outside\nread-only\n${tools}\nunknown\nmore\nruns\nwork\n`);
  });

  test('a script that is out of memory is told from one that was killed', async () => {
    const executor = place.makeExecutor({ memoryBytes: 24 << 20 });
    const bash = '#!/bin/bash\nx=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done';
    const run = await executor.start({ ...spec, script: bash });
    const end = await endOf(run);
    expect(end).toMatchObject({ signal: 'SIGKILL', oomKilled: true, shimLost: false });
    await until(() => run.drained());
    await executor.close();
    expect(await container()).toBeNull();
    const again = await place.makeExecutor().attach(spec.directory);
    expect(await again?.ended()).toEqual(end);
    const killed = await place
      .makeExecutor()
      .start({ ...spec, directory: `${spec.directory}1`, script: 'kill -9 $$' });
    expect(await endOf(killed)).toMatchObject({ signal: 'SIGKILL', oomKilled: false });
  });

  test('a container that is killed, or removed, from outside is a run whose end nobody saw', async () => {
    for (const [index, way] of [['kill'], ['rm', '-f']].entries()) {
      const directory = `${spec.directory}${index}`;
      const run = await place.makeExecutor().start({ ...spec, directory, script: 'echo up; sleep 300' });
      await until(async () => (await run.size('stdout')) > 0);
      spawnSync('/usr/bin/docker', ['-H', engineHost ?? '', ...way, containerName(directory)]);
      expect(await endOf(run)).toMatchObject({
        exitCode: null,
        signal: null,
        shimLost: true,
        oomKilled: false,
      });
      await until(() => run.drained());
      expect((await outputOf(run)).toString()).toBe('up\n');
      expect(await run.processes()).toEqual([]);
    }
  });

  test('an image that is missing, or has no shell, is said with what to do', async () => {
    const missing = place.makeExecutor({ image: 'nobody/has-this:1' });
    await expect(missing.start(spec)).rejects.toMatchObject({
      code: 'KERUTA_ERR_IMAGE_MISSING',
      message: expect.stringContaining(`docker -H ${engineHost} pull nobody/has-this:1`),
    });
    await expect(place.makeExecutor({ image: bareImage }).start(spec)).rejects.toMatchObject({
      code: 'KERUTA_ERR_IMAGE_UNFIT',
      message: expect.stringContaining(`the image ${bareImage} has no shell (sh), no sleep, no mkfifo`),
    });
    expect(existsSync(spec.directory)).toBe(false);
  });

  test('a user who may not write into the run, and a limit that the engine refuses, are said', async () => {
    await expect(place.makeExecutor({ user: '4321:4321' }).start(spec)).rejects.toMatchObject({
      code: 'KERUTA_ERR_CONTAINER_REFUSED',
      message: expect.stringMatching(/4321:4321 could not write to .*docker\.user/),
    });
    await expect(place.makeExecutor({ memoryBytes: 4096 }).start(spec)).rejects.toMatchObject({
      code: 'KERUTA_ERR_CONTAINER_REFUSED',
      message: expect.stringContaining(image),
    });
    expect(await container()).toBeNull();
    expect(existsSync(join(spec.directory, 'environment'))).toBe(false);
    expect(await place.makeExecutor().attach(spec.directory)).toBeNull();
  });

  test('a start that was broken off between making and starting is made again, and runs once', async () => {
    const make = async () =>
      place.engine.create(containerName(spec.directory), {
        image,
        command: ['/bin/sh'],
        workingDirectory: '/',
        user: null,
        labels: {},
        mounts: [],
        network: null,
        memoryBytes: null,
        cpus: null,
        pidsLimit: null,
      });
    const first = place.makeExecutor();
    await textOf('echo one', {}, first);
    await first.close();
    for (const name of ['shim', 'leader', 'exit', 'drained', 'init'])
      rmSync(join(spec.directory, name), { force: true });
    await make();
    const clock = { ...systemClock, now: () => systemClock.now() + 10_000 };
    const later = place.makeExecutor({ clock });
    expect(await later.attach(spec.directory)).toBeNull();
    expect(await later.isUntouched(spec.directory)).toBe(true);
    expect(await container()).toBeNull();
    // the request of the dead agent comes through only now
    await make();
    expect(await textOf('echo two', {}, later)).toBe('two\n');
  });

  test('what agents left behind is removed by the next one of the same base directory, and nothing else', async () => {
    const sleeps = 'echo up; sleep 300';
    const executor = place.makeExecutor();
    const [gone, alive] = ['gone.1', 'alive.1'].map((name) => join(place.base, 'runs', name));
    for (const directory of [gone ?? '', alive ?? '']) {
      const run = await executor.start({ ...spec, directory, runId: directory, script: sleeps });
      await until(async () => (await run.size('stdout')) > 0);
    }
    const other = dockerPlace();
    const foreign = join(other.base, 'runs', 'gone.1');
    const theirs = await other
      .makeExecutor()
      .start({ ...spec, directory: foreign, workingDirectory: other.base, script: sleeps });
    await until(async () => (await theirs.size('stdout')) > 0);
    for (const directory of [gone ?? '', foreign]) rmSync(directory, { recursive: true });
    const next = place.makeExecutor();
    next.prepare();
    await next.close();
    const states = await Promise.all(
      [gone ?? '', alive ?? '', foreign].map((directory) => place.engine.inspect(containerName(directory))),
    );
    expect(states.map((state) => state?.status ?? null)).toEqual([null, 'running', 'running']);
    await other.dispose();
  });

  const canHide = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0;

  test.skipIf(!canHide)(
    'an agent that cannot see the processes of the engine ends and measures runs all the same',
    () => {
      const fixture = join(import.meta.dirname, '../../fixtures/runs-unseen.ts');
      const words = ['--pid', '--fork', '--mount-proc', process.execPath, '--no-warnings', fixture];
      const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 60_000 });
      expect(stderr).toBe('');
      const told = JSON.parse(stdout) as Record<string, unknown> & { memoryBytes: number; seen: string[] };
      expect(told.seen).toContain('sleep');
      expect(told.memoryBytes).toBeGreaterThan(100_000);
      expect(told.first).toMatchObject({ signal: 'SIGTERM', shimLost: false });
      expect(told.second).toMatchObject({ signal: 'SIGKILL', shimLost: false, oomKilled: false });
      expect(told).toMatchObject({
        output: 'up\n',
        left: [],
        third: { exitCode: 0 },
        answer: 'up\ngot it\n',
      });
      expect(told.containers).toEqual([]);
    },
    60_000,
  );
});
