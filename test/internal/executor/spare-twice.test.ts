import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newSpareDirectory } from '../../../internal/executor/local/nursery.ts';
import { listPids, readStat } from '../../../pkg/process/proc.ts';
import { until } from './executor-contract.ts';
import { readySpare, useLocalPlace } from './local-place.ts';

const place = useLocalPlace();

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
    return words.includes('nursery') && words.some((word) => word.startsWith(place().base));
  }) ?? null;

/** Who reads what a run writes to a stream. */
const readers = (directory: string, stream: string) =>
  (listPids() ?? []).filter((pid) => {
    const pipe = quietly(() => readlinkSync(`/proc/${pid}/fd/0`));
    return pipe === join(directory, 'pipes', stream) && wordsOf(pid)[0]?.endsWith('cat');
  });

test('a spare that was given up before it began shares nothing with the next one, so a run has one writer for each stream', async () => {
  const { base, executor } = place();
  executor.prepare();
  const maker = await until(nursery);
  process.kill(maker, 'SIGSTOP');
  await until(() => readStat(maker)?.state === 'T' || null);
  // as on a machine that is so busy that the maker does not get its turn
  for (let n = 0; n < 5; n++) executor.prepare();
  process.kill(maker, 'SIGCONT');
  await readySpare(place());
  const directory = join(base, 'runs', 'task.1');
  const script = 'echo one; while [ ! -e go ]; do sleep 0.02; done';
  const env = { PATH: '/usr/bin:/bin' };
  const run = await executor.start({
    ...{ directory, runId: 'twice', script, workingDirectory: base, env, input: 'none' },
  });
  await until(async () => (await run.size('stdout')) > 0);
  await until(() => ['stdout', 'stderr'].every((name) => readers(directory, name).length > 0));
  expect([readers(directory, 'stdout').length, readers(directory, 'stderr').length]).toEqual([1, 1]);
  writeFileSync(join(base, 'go'), '');
  await until(async () => (await run.drained()) || null);
  expect(readers(directory, 'stdout')).toEqual([]);
});

test('no directory of a spare has a name that was there before', () => {
  const names = [1, 2, 3].map(() => newSpareDirectory(place().base));
  expect(new Set(names).size).toBe(3);
});
