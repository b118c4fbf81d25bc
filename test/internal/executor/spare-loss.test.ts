import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listPids, readStat } from '../../../pkg/process/proc.ts';
import { until } from './executor-contract.ts';
import { readySpare, useLocalPlace } from './local-place.ts';

const place = useLocalPlace();

test('a run that took a spare puts the gap on record, too, when its writers are killed', async () => {
  const { base, executor } = place();
  executor.prepare();
  const spare = await readySpare(place());
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
