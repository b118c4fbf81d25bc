import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Executor } from '../../../internal/executor/executor.ts';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { listPids, readStat } from '../../../pkg/process/proc.ts';
import { until } from './executor-contract.ts';

let base: string;
let executor: Executor;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'executor-'));
  executor = makeLocalExecutor({ clock: systemClock, stateDirectory: join(base, 'executor') });
});
afterEach(async () => {
  await executor.close();
  rmSync(base, { recursive: true, force: true });
});

/** Where the spare stands that can take a run. */
async function readySpare(): Promise<string> {
  executor.prepare();
  const place = join(base, 'executor');
  const find = () => readdirSync(place).find((name) => name.startsWith('spare-'));
  return until(() => {
    const spare = join(place, find() ?? 'none');
    const files = ['ready', 'stdout', 'stderr'].map((name) => join(spare, name));
    return files.every((file) => existsSync(file)) ? spare : null;
  });
}

test('a run that took a spare puts the gap on record, too, when its writers are killed', async () => {
  const spare = await readySpare();
  const directory = join(base, 'runs', 'task.1');
  const script = 'echo one; while [ ! -e go ]; do sleep 0.02; done; echo two';
  const run = await executor.start({
    directory,
    runId: 'spare-loss',
    script,
    workingDirectory: base,
    env: { PATH: '/usr/bin:/bin' },
    input: 'none',
  });
  await until(async () => (await run.size('stdout')) > 0);
  expect(existsSync(spare)).toBe(false);
  const shim = Number.parseInt(readFileSync(join(directory, 'shim'), 'utf8'), 10);
  const writers = await until(() => {
    const found = (listPids() ?? []).filter((pid) => {
      const stat = readStat(pid);
      return stat?.session === shim && stat.command === 'cat';
    });
    return found.length === 2 ? found : null;
  });
  for (const pid of writers) process.kill(pid, 'SIGKILL');
  await until(() => existsSync(join(directory, 'loss')) || null);
  writeFileSync(join(base, 'go'), '');
  await until(async () => (await run.drained()) || null);
  expect(Buffer.from(await run.read('stdout', 0, 100)).toString()).toBe('one\ntwo\n');
  expect(await run.losses?.()).toContainEqual({
    stream: 'stdout',
    offset: 4,
    maxBytes: 131_072,
    cause: 'killed',
  });
  await run.kill();
});
