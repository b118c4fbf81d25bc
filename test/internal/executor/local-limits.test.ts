import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { groupsOf } from '../../../internal/executor/local/run-limits.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { canLimit, removeControlGroup } from '../../../pkg/process/control-group.ts';
import { isAlive, readStat } from '../../../pkg/process/proc.ts';
import { endOf, executorContract, outputOf, until } from './executor-contract.ts';

const limits = { memoryBytes: 512 * 1024 ** 2, cpus: 4, processes: 200, files: 512 };
const executorFor = (base: string, more: object = {}) =>
  makeLocalExecutor({
    clock: systemClock,
    stateDirectory: join(base, 'executor'),
    limits: { ...limits, ...more },
  });
const newBase = () => mkdtempSync(join(tmpdir(), 'executor-limits-'));

/** Runs that nobody cleaned up after have a group still. */
function dispose(base: string): void {
  const runs = join(base, 'runs');
  for (const name of existsSync(runs) ? readdirSync(runs) : [])
    removeControlGroup(groupsOf(join(runs, name)));
  rmSync(base, { recursive: true, force: true, maxRetries: 5 });
}

/** Where this user may make control groups. */
describe.skipIf(!canLimit('test', limits))('with limits', () => {
  executorContract('the local executor with limits', async () => {
    const base = newBase();
    return {
      base,
      makeExecutor: () => executorFor(base),
      dispose: async () => dispose(base),
    };
  });

  describe('a run', () => {
    let base: string;
    beforeEach(() => {
      base = newBase();
    });
    afterEach(() => dispose(base));

    let count = 0;
    const specOf = (script: string) => ({
      directory: join(base, 'runs', `task.${++count}`),
      runId: `limited-${process.pid}-${count}-${base}`,
      script,
      workingDirectory: base,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      input: 'none' as const,
    });

    test('that takes more memory than it may is ended by the kernel, and says so', async () => {
      const executor = executorFor(base, { memoryBytes: 40 * 1024 ** 2 });
      const run = await executor.start(specOf('#!/bin/bash\nx=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done'));
      expect(await endOf(run)).toMatchObject({ oomKilled: true });
      await run.kill();
      await executor.close();
    });

    test('that starts more processes than it may fails at that, and nobody else does', async () => {
      const executor = executorFor(base, { processes: 8 });
      const run = await executor.start(
        specOf('#!/bin/bash\nfor i in $(seq 30); do sleep 30 & done; echo not here'),
      );
      await until(async () => (await run.ended()) !== null || (await run.processes()).length >= 8);
      const processes = await run.processes();
      expect(processes.length).toBeLessThanOrEqual(8);
      await run.kill();
      await executor.close();
    });

    test('leaves no group behind when it ends by itself', async () => {
      const executor = executorFor(base);
      const spec = specOf('exit 3');
      const run = await executor.start(spec);
      const groups = groupsOf(spec.directory);
      expect(groups.length).toBeGreaterThan(0);
      expect(await endOf(run)).toMatchObject({ exitCode: 3 });
      await until(async () => (await run.processes()).length === 0);
      expect(groups.filter((directory) => existsSync(directory))).toEqual([]);
      await executor.close();
    });

    test('has so many files', async () => {
      const executor = executorFor(base, { files: 77 });
      const run = await executor.start(specOf('ulimit -n'));
      expect((await outputOf(run)).toString()).toBe('77\n');
      await run.kill();
      await executor.close();
    });

    test('finds who sheds environment, session, parents and output, and leaves no group behind', async () => {
      const executor = executorFor(base);
      const file = join(base, 'hidden');
      // without the marker of runs, in a session of its own, with no stream of the run, and with init as its parent
      const hides = `env -i setsid sh -c 'echo $$ >${file}; exec /bin/sleep 300' </dev/null >/dev/null 2>&1 3>&- &`;
      const spec = specOf(`#!/bin/bash\n(${hides})\nuntil [ -s ${file} ]; do sleep 0.05; done`);
      const run = await executor.start(spec);
      expect(await endOf(run)).toMatchObject({ exitCode: 0 });
      const pid = Number(readFileSync(file, 'utf8'));
      const startTicks = readStat(pid)?.startTicks ?? null;
      const groups = groupsOf(spec.directory);
      expect(groups.every((directory) => existsSync(directory))).toBe(true);
      // another agent
      const again = await executorFor(base).attach(spec.directory);
      await again?.kill();
      expect(isAlive({ pid, startTicks })).toBe(false);
      expect(groups.some((directory) => existsSync(directory))).toBe(false);
      await executor.close();
    });
  });
});
