import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Executor } from '../../../internal/executor/executor.ts';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { newSpareDirectory } from '../../../internal/executor/local/nursery.ts';
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

const quietly = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch {
    return null;
  }
};
const wordsOf = (pid: number) =>
  quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.split('\0') ?? [];

/** The process that makes the spares of this executor. */
const nursery = () =>
  (listPids() ?? []).find((pid) => {
    const words = wordsOf(pid);
    return words.includes('nursery') && words.some((word) => word.startsWith(base));
  }) ?? null;

/** Who reads what a run writes to a stream. */
const readers = (directory: string, stream: string) =>
  (listPids() ?? []).filter((pid) => {
    const pipe = quietly(() => readlinkSync(`/proc/${pid}/fd/0`));
    return pipe === join(directory, 'pipes', stream) && wordsOf(pid)[0]?.endsWith('cat');
  });

test('a spare that was given up before it began shares nothing with the next one, so a run has one writer for each stream', async () => {
  executor.prepare();
  const maker = await until(nursery);
  process.kill(maker, 'SIGSTOP');
  await until(() => readStat(maker)?.state === 'T' || null);
  // as on a machine that is so busy that the maker does not get its turn
  for (let n = 0; n < 5; n++) executor.prepare();
  process.kill(maker, 'SIGCONT');
  const place = join(base, 'executor');
  await until(
    () =>
      readdirSync(place).some((name) =>
        ['ready', 'stdout', 'stderr'].every((file) => existsSync(join(place, name, file))),
      ) || null,
  );
  const directory = join(base, 'runs', 'task.1');
  const script = 'echo one; while [ ! -e go ]; do sleep 0.02; done';
  const env = { PATH: '/usr/bin:/bin' };
  const run = await executor.start({
    ...{ directory, runId: 'twice', script, workingDirectory: base, env, input: 'none' },
  });
  await until(async () => (await run.size('stdout')) > 0);
  expect([readers(directory, 'stdout').length, readers(directory, 'stderr').length]).toEqual([1, 1]);
  writeFileSync(join(base, 'go'), '');
  await until(async () => (await run.drained()) || null);
  expect(readers(directory, 'stdout')).toEqual([]);
});

test('no directory of a spare has a name that was there before', () => {
  const names = [1, 2, 3].map(() => newSpareDirectory(base));
  expect(new Set(names).size).toBe(3);
});
