import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Executor, RunSpec } from '../../../internal/executor/executor.ts';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { bootId, isAlive, listPids, readProc, readStat } from '../../../pkg/process/proc.ts';
import { heldUp } from '../../faults/lab/starvation.ts';
import { endOf, executorContract, outputOf, until } from './executor-contract.ts';

const newBase = () => mkdtempSync(join(tmpdir(), 'executor-'));
const localExecutor = (base: string, shell?: readonly string[]) =>
  makeLocalExecutor({
    clock: systemClock,
    stateDirectory: join(base, 'executor'),
    ...(shell ? { shell } : {}),
  });

async function localFixture(shell?: readonly string[]) {
  const base = newBase();
  return {
    base,
    makeExecutor: () => localExecutor(base, shell),
    dispose: async () => rmSync(base, { recursive: true, force: true, maxRetries: 5 }),
  };
}

executorContract('the local executor', () => localFixture());
executorContract('the local executor under plain sh', () => localFixture(['/bin/sh']));
const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((file) => existsSync(file));
if (busybox) executorContract('the local executor under busybox', () => localFixture([busybox, 'sh']));

/** The pid in a file that holds a line of /proc/PID/stat; null before it is whole. */
function readStatLine(path: string): number | null {
  return existsSync(path) && readFileSync(path, 'utf8').endsWith('\n')
    ? Number.parseInt(readFileSync(path, 'utf8'), 10)
    : null;
}

describe('the local executor', () => {
  let base: string;
  let executor: Executor;
  let spec: RunSpec;
  const agents: ChildProcess[] = [];

  beforeEach(() => {
    base = newBase();
    executor = localExecutor(base);
    spec = {
      directory: join(base, 'runs', 'task.1'),
      runId: `run-${base}`,
      script: 'exit 0',
      workingDirectory: base,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      input: 'none',
    };
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) agent.kill('SIGKILL');
    const run = await executor.attach(spec.directory);
    await run?.kill();
    await executor.close();
    rmSync(base, { recursive: true, force: true, maxRetries: 5 });
  });

  /** Starts an agent in a process of its own and waits until it has done its part. */
  async function startAgent(script: string, spareOnly = false): Promise<ChildProcess> {
    const fixture = join(import.meta.dirname, '../../fixtures/agent-of-one-run.ts');
    const args = [fixture, JSON.stringify({ ...spec, script }), join(base, 'executor')];
    const agent = spawn(process.execPath, [...args, ...(spareOnly ? ['spare'] : [])], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    agents.push(agent);
    await new Promise((resolve) => agent.stdout?.once('data', resolve));
    return agent;
  }
  const dead = (child: ChildProcess) =>
    new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill('SIGKILL');
    });

  test('kill -9 of the agent in mid-run loses no line and not the exit code', async () => {
    const agent = await startAgent(
      'i=0; while [ $i -lt 20000 ]; do echo "line $i"; case $i in 1000) until [ -e dead ]; do sleep 0.02; done ;; 19000) until [ -e seen ]; do sleep 0.02; done ;; esac; i=$((i+1)); done; exit 7',
    );
    await until(() => statSync(join(spec.directory, 'stdout'), { throwIfNoEntry: false })?.size || null);
    await dead(agent);
    writeFileSync(join(base, 'dead'), '');
    const run = await executor.attach(spec.directory);
    if (run === null) throw new Error('not found');
    expect(await run.ended()).toBeNull();
    writeFileSync(join(base, 'seen'), '');
    expect(await endOf(run)).toMatchObject({ exitCode: 7, signal: null, shimLost: false });
    const expected = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('');
    expect((await outputOf(run)).toString()).toBe(expected);
  });

  test('a spare ends with the agent that prepared it, and its directory is removed by the next', async () => {
    const agent = await startAgent('', true);
    const spares = () => readdirSync(join(base, 'executor')).filter((name) => name.startsWith('spare-'));
    const shims = () =>
      (listPids() ?? []).filter((pid) => readProc(`${pid}/cmdline`)?.includes(`${base}/executor/shim`));
    await until(() => shims().length >= 3);
    await dead(agent);
    await until(() => shims().filter((pid) => readStat(pid)?.state !== 'Z').length === 0);
    expect(spares()).toHaveLength(1);
    executor.prepare();
    expect(spares()).toEqual([expect.stringContaining(`spare-${process.pid}-`)]);
    await executor.close();
    expect(spares()).toEqual([]);
  });

  test('a spare ends with its agent, too, when the process that made it was killed first', async () => {
    const agent = await startAgent('', true);
    const shims = (mode = '') =>
      (listPids() ?? []).filter(
        (pid) =>
          readStat(pid)?.state !== 'Z' &&
          readProc(`${pid}/cmdline`)?.includes(`${base}/executor/shim`) &&
          readProc(`${pid}/cmdline`)?.includes(`\0${mode}`),
      );
    await until(() => (shims('spare').length >= 3 ? true : null));
    const [nursery] = shims('nursery');
    process.kill(nursery ?? 0, 'SIGKILL');
    await dead(agent);
    await until(() => (shims().length === 0 ? true : null));
    expect(shims()).toEqual([]);
  });

  test.each(['INT', 'PIPE'])('signal %s is told from its exit code where bash is', async (signal) => {
    const run = await executor.start({ ...spec, script: `kill -${signal} $$` });
    expect(await endOf(run)).toMatchObject({ exitCode: null, signal: `SIG${signal}` });
  });

  test('a killed shim is noticed within two seconds, and what it ran is ended', async () => {
    const run = await executor.start({ ...spec, script: 'echo up; sleep 300' });
    await until(async () => (await run.size('stdout')) > 0);
    const [leader] = await run.processes();
    const shim = Number(readFileSync(join(spec.directory, 'shim'), 'utf8').split(' ')[0]);
    const [from, held] = [performance.now(), heldUp()];
    process.kill(shim, 'SIGKILL');
    expect(await endOf(run)).toMatchObject({ exitCode: null, signal: null, shimLost: true });
    expect(performance.now() - from).toBeLessThan(2000 + held());
    await until(() => leader === undefined || !isAlive(leader));
    await until(() => run.drained());
    const again = await localExecutor(base).attach(spec.directory);
    expect(await again?.ended()).toEqual(await run.ended());
    expect((await outputOf(run)).toString()).toBe('up\n');
  });

  test('a script that signals its whole group, or its session, does not take the recorder with it', async () => {
    const run = await executor.start({
      ...spec,
      script: `trap '' TERM INT HUP USR1; echo before
        for s in TERM INT HUP USR1; do kill -$s 0; kill -$s $PPID; pkill -$s -s 0; done; echo after; exit 2`,
    });
    expect(await endOf(run)).toMatchObject({ exitCode: 2, shimLost: false });
    expect((await outputOf(run)).toString()).toBe('before\nafter\n');
  });

  test('a writer that is killed is replaced, and the gap is on record', async () => {
    const script = 'echo one; while [ ! -e go ]; do sleep 0.02; done; echo two';
    const run = await executor.start({ ...spec, script });
    await until(async () => (await run.size('stdout')) > 0);
    const shim = Number(readFileSync(join(spec.directory, 'shim'), 'utf8').split(' ')[0]);
    const writers = await until(() => {
      const found = (listPids() ?? []).filter((pid) => {
        const stat = readStat(pid);
        return stat?.session === shim && stat.command === 'cat';
      });
      return found.length === 2 ? found : null;
    });
    for (const pid of writers) process.kill(pid, 'SIGKILL');
    // one that is not dead yet could still take what comes next with it
    await until(() => (writers.some((pid) => isAlive({ pid, startTicks: null })) ? null : true));
    writeFileSync(join(base, 'go'), '');
    expect((await outputOf(run)).toString()).toBe('one\ntwo\n');
    const losses = await run.losses?.();
    expect(losses).toContainEqual({ stream: 'stdout', offset: 4, maxBytes: 131072, cause: 'killed' });
  });

  test('descriptors that the agent was started with reach neither the script nor the recorder', async () => {
    const fixture = join(import.meta.dirname, '../../fixtures/agent-of-one-run.ts');
    const script = '#!/bin/sh\nls /proc/$$/fd; ls -l /proc/$PPID/fd; sleep 300';
    const args = [fixture, JSON.stringify({ ...spec, script }), join(base, 'executor')];
    const open = `exec 9<${base} 40<${base} 200<${base} 251<${base}; exec "$@"`;
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const agent = spawn('/bin/bash', ['-c', open, 'bash', process.execPath, ...args], { stdio: [...stdio] });
    agents.push(agent);
    await new Promise((resolve) => agent.stdout?.once('data', resolve));
    const run = await until(() => executor.attach(spec.directory));
    const text = await until(async () => {
      const now = Buffer.from(await run.read('stdout', 0, 10_000)).toString();
      return now.includes('total') && now.endsWith('\n') ? now : null;
    });
    expect(text.slice(0, text.indexOf('total')).split('\n').filter(Boolean).sort()).toEqual([
      '0',
      '1',
      '10',
      '2',
    ]);
    expect(text).not.toContain(`${base}\n`);
  });

  const canMount = (() => {
    const at = newBase();
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at]).status === 0;
    if (mounted) spawnSync('umount', [at]);
    rmSync(at, { recursive: true });
    return mounted;
  })();

  test.skipIf(!canMount)('a full disk holds the script back, and the gap is on record', async () => {
    const disk = join(base, 'disk');
    mkdirSync(disk);
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
    try {
      const small = localExecutor(disk);
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(2 << 20));
      const script = 'i=0; while [ $i -lt 300000 ]; do echo "line $i"; i=$((i+1)); done; exit 4';
      const run = await small.start({ ...spec, directory: join(disk, 'run'), script });
      await until(() => statSync(join(disk, 'run/probe.stdout'), { throwIfNoEntry: false }) ?? null);
      expect(await run.ended()).toBeNull();
      rmSync(join(disk, 'ballast'));
      await until(() => statSync(join(disk, 'run/loss'), { throwIfNoEntry: false })?.size || null);
      const losses = (await run.losses?.()) ?? [];
      expect(losses).toMatchObject([{ stream: 'stdout', cause: 'full', maxBytes: 131072 }]);
      const offset = losses[0]?.offset ?? 0;
      const before = Buffer.from(await run.read('stdout', 0, offset)).toString();
      const whole = Array.from({ length: 300_000 }, (_, index) => `line ${index}\n`).join('');
      expect(whole.startsWith(before)).toBe(true);
      const after = await until(async () => {
        const bytes = Buffer.from(await run.read('stdout', offset, 65_536));
        return bytes.length >= 4096 ? bytes : null;
      });
      const gap = whole.indexOf(after.toString().slice(0, 4096), offset) - offset;
      expect(gap).toBeGreaterThanOrEqual(0);
      expect(gap).toBeLessThanOrEqual(131072);
      await run.kill();
      await small.close();
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  });

  test('the script has descriptors 0 to 2 only and no signal ignored', async () => {
    const run = await executor.start({
      ...spec,
      script:
        '#!/bin/sh\nls /proc/$$/fd; grep -E "Sig(Blk|Ign)" /proc/self/status; cat /proc/$$/oom_score_adj',
    });
    const text = (await outputOf(run)).toString();
    // 10 is the shell's own, on the script file
    expect(text.replace(/\s+/g, ' ')).toMatch(/^0 1 (10 )?2 SigBlk: 0+ SigIgn: 0+ 500 $/);
  });

  test('values of the environment stand in no file of the run, and nobody else can read the files', async () => {
    executor.prepare();
    await endOf(await executor.start({ ...spec, directory: `${spec.directory}a`, script: 'sleep 0.1' }));
    const env = { ...spec.env, API_SECRET: 'hidden-value-1' };
    const run = await executor.start({ ...spec, env, script: 'umask; [ "$API_SECRET" ] && echo set' });
    expect((await outputOf(run)).toString()).toBe(`${process.umask().toString(8).padStart(4, '0')}\nset\n`);
    await run.kill();
    const files = readdirSync(base, { recursive: true, withFileTypes: true });
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      expect([path, statSync(path).mode & 0o077]).toEqual([path, 0]);
      if (file.isFile()) expect(readFileSync(path, 'latin1')).not.toContain('hidden-value-1');
    }
  });

  test('variables that no shell can name arrive', async () => {
    executor.prepare();
    const env = { ...spec.env, 'dotted.name': 'v1', 'BASH_FUNC_f%%': '() { echo called; }' };
    const run = await executor.start({ ...spec, env, script: '#!/bin/bash\nenv | grep dotted; f' });
    expect((await outputOf(run)).toString()).toBe('dotted.name=v1\ncalled\n');
  });

  test('a start that was broken off before anything ran is made good', async () => {
    await endOf(await executor.start({ ...spec, script: 'echo first' }));
    rmSync(join(spec.directory, 'shim'));
    const later = makeLocalExecutor({
      clock: { ...systemClock, now: () => systemClock.now() + 10_000 },
      stateDirectory: join(base, 'executor'),
    });
    expect(await later.attach(spec.directory)).toBeNull();
  });

  test('a start that comes through after another one took its place runs nothing', async () => {
    executor.prepare();
    const ready = () => readdirSync(join(base, 'executor')).find((name) => name.startsWith('spare-'));
    const spare = await until(() => readStatLine(join(base, 'executor', ready() ?? '', 'ready')));
    // its writers are on their way still: without them it is not taken
    await until(() =>
      ['stdout', 'stderr'].every((name) => existsSync(join(base, 'executor', ready() ?? '', name))),
    );
    process.kill(spare, 'SIGSTOP');
    await until(() => (readStat(spare)?.state === 'T' ? true : null));
    const script = 'echo ran >>ledger; echo x';
    await executor.start({ ...spec, script });
    const later = makeLocalExecutor({
      clock: { ...systemClock, now: () => systemClock.now() + 10_000 },
      stateDirectory: join(base, 'executor'),
    });
    expect(await later.attach(spec.directory)).toBeNull();
    expect(await later.isUntouched(spec.directory)).toBe(true);
    const run = await later.start({ ...spec, script });
    expect((await outputOf(run)).toString()).toBe('x\n');
    process.kill(spare, 'SIGCONT');
    await until(() => (isAlive({ pid: spare, startTicks: null }) ? null : true));
    expect(readFileSync(join(base, 'ledger'), 'utf8')).toBe('ran\n');
    expect((await outputOf(run)).toString()).toBe('x\n');
  });

  test('a run whose record is damaged is found by what the agent knows of it', async () => {
    await executor.start({ ...spec, script: 'echo one; while [ ! -e go ]; do sleep 0.02; done; exit 5' });
    await until(() => (existsSync(join(spec.directory, 'leader')) ? true : null));
    writeFileSync(join(spec.directory, 'spec.json'), '{"version":1,');
    const later = makeLocalExecutor({ clock: systemClock, stateDirectory: join(base, 'executor') });
    expect(await later.attach(spec.directory)).toBeNull();
    const { runId, workingDirectory, input } = spec;
    const known = { runId, workingDirectory, input, bootId: bootId(), startedAt: systemClock.now() };
    const found = await later.attach(spec.directory, known);
    writeFileSync(join(base, 'go'), '');
    expect(found && (await endOf(found))).toMatchObject({ exitCode: 5, shimLost: false });
    expect(await later.attach(join(base, 'runs', 'never'), known)).toBeNull();
  });

  test('what an agent left of a spare that has a run already does not end that run', async () => {
    const [waiting, busy] = ['waiting', 'busy'].map((name) => {
      const child = spawn('sleep', ['60'], { stdio: 'ignore' });
      agents.push(child);
      // no process has this number
      const directory = join(base, 'executor', `spare-99999999-1-${name === 'busy' ? 1 : 2}`);
      mkdirSync(join(directory, name === 'busy' ? 'moved' : 'pipes'), { recursive: true });
      writeFileSync(join(directory, 'ready'), readProc(`${child.pid}/stat`) ?? '');
      return { pid: child.pid ?? 0, startTicks: readStat(child.pid ?? 0)?.startTicks ?? null };
    });
    if (!waiting || !busy) throw new Error('two');
    executor.prepare();
    await until(() => (isAlive(waiting) ? null : true));
    expect(isAlive(busy)).toBe(true);
    expect(readdirSync(join(base, 'executor')).filter((name) => name.startsWith('spare-99999999'))).toEqual(
      [],
    );
  });

  test('an agent that has the pid of the one before it takes nothing of what that one prepared', async () => {
    const state = join(base, 'executor');
    const former = spawn('sleep', ['60'], { stdio: 'ignore' });
    agents.push(former);
    const own = readStat(process.pid)?.startTicks ?? 0;
    for (const ticks of [own, own - 1]) {
      const left = join(state, `spare-${process.pid}-${ticks}-1`);
      mkdirSync(join(left, 'pipes'), { recursive: true });
      writeFileSync(join(left, 'ready'), readProc(`${former.pid}/stat`) ?? '');
      for (const stream of ['stdout', 'stderr']) writeFileSync(join(left, stream), '');
    }
    executor.prepare();
    expect(existsSync(join(state, `spare-${process.pid}-${own - 1}-1`))).toBe(false);
    expect(readdirSync(join(state, `spare-${process.pid}-${own}-1`))).not.toContain('go');
    const run = await executor.start({ ...spec, script: 'echo x' });
    expect((await outputOf(run)).toString()).toBe('x\n');
    expect(readdirSync(join(state, `spare-${process.pid}-${own}-1`))).toContain('stdout');
  });

  test('a run whose directory the script deletes still ends', async () => {
    // what makes them does so beside it
    const written = ['stdout', 'stderr'].map((name) => `[ -e ${spec.directory}/${name} ]`).join(' && ');
    const script = `until ${written}; do sleep 0.02; done; rm -rf ${base}/runs ${base}/executor; echo x`;
    const run = await executor.start({ ...spec, script });
    expect(await endOf(run)).toMatchObject({ exitCode: null, shimLost: true });
    const next = await executor.start({
      ...spec,
      directory: join(base, 'runs', 'task.2'),
      runId: `${spec.runId}.2`,
      script: 'exit 3',
    });
    expect(await endOf(next)).toMatchObject({ exitCode: 3 });
  });

  test('an environment that the kernel refuses is a clear failure', async () => {
    const env = { ...spec.env, HUGE: 'x'.repeat(200_000) };
    await expect(executor.start({ ...spec, env })).rejects.toMatchObject({ code: 'KERUTA_ERR_BAD_VALUE' });
  });
});
