import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Executor } from '../../../internal/executor/executor.ts';
import { executorByRecord } from '../../../internal/executor/executor-by-record.ts';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { endOf } from './executor-contract.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'executor-by-record-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true, maxRetries: 5 }));

test('a run is found by the executor that its record names, whichever starts new ones', async () => {
  const asked: string[] = [];
  const local = makeLocalExecutor({ clock: systemClock, stateDirectory: join(base, 'executor') });
  const other: Executor = {
    start: async () => Promise.reject(new Error('not here')),
    attach: async (directory) => {
      asked.push(directory);
      return null;
    },
    isUntouched: async () => false,
    prepare: () => void asked.push('prepare'),
    close: async () => void asked.push('close'),
  };
  const directory = join(base, 'runs', 'a.1');
  const env = { PATH: '/usr/bin:/bin' };
  const spec = {
    directory,
    runId: base,
    script: 'exit 4',
    workingDirectory: base,
    env,
    input: 'none',
  } as const;
  await executorByRecord({
    local,
    docker: async () => other,
    kubernetes: async () => other,
    starts: 'local',
  }).start(spec);

  const changed = executorByRecord({
    local,
    docker: async () => other,
    kubernetes: async () => other,
    starts: 'docker',
  });
  const found = await changed.attach(directory);
  expect(found && (await endOf(found))).toMatchObject({ exitCode: 4 });
  await expect(changed.start({ ...spec, directory: join(base, 'runs', 'b.1') })).rejects.toThrow('not here');

  const inContainer = join(base, 'runs', 'c.1');
  mkdirSync(inContainer);
  const record = JSON.parse(readFileSync(join(directory, 'spec.json'), 'utf8')) as object;
  writeFileSync(join(inContainer, 'spec.json'), JSON.stringify({ ...record, container: 'x' }));
  const back = executorByRecord({
    local,
    docker: async () => other,
    kubernetes: async () => other,
    starts: 'local',
  });
  expect(await back.attach(inContainer)).toBeNull();
  writeFileSync(join(inContainer, 'spec.json'), JSON.stringify({ ...record, job: 'x' }));
  expect(await back.attach(inContainer)).toBeNull();
  await back.close();
  expect(asked).toEqual([inContainer, inContainer, 'close', 'close']);
});
