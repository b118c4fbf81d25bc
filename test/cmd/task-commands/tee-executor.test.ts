import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { teeExecutor } from '../../../cmd/keruta/task-commands/tee-executor.ts';
import type { RunEnd } from '../../../internal/executor/executor.ts';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'tee-'));
});
afterEach(() => rmSync(base, { recursive: true }));

test('everything that a run prints is shown before the run counts as drained', async () => {
  const shown = { stdout: '', stderr: '' };
  const ends: RunEnd[] = [];
  const executor = teeExecutor(
    makeLocalExecutor({ clock: systemClock, stateDirectory: join(base, 'shims') }),
    {
      output: async (stream, bytes) => {
        shown[stream] += Buffer.from(bytes).toString('utf8');
      },
      ended: (end) => ends.push(end),
    },
  );
  const directory = join(base, 'run');
  const run = await executor.start({
    directory,
    runId: 'tee-1',
    script: 'seq 5000; echo problem >&2; exit 3',
    workingDirectory: base,
    env: { PATH: process.env.PATH ?? '' },
    input: 'none',
  });
  await vi.waitFor(async () => expect(await run.drained()).toBe(true), 10_000);
  expect(shown.stdout).toBe(Array.from({ length: 5000 }, (_, index) => `${index + 1}\n`).join(''));
  expect(shown.stderr).toBe('problem\n');
  expect(await run.ended()).toMatchObject({ exitCode: 3 });
  expect(await run.ended()).toMatchObject({ exitCode: 3 });
  expect(ends).toHaveLength(1);
  expect(await executor.attach(directory)).not.toBeNull();
  expect(await executor.attach(join(base, 'none'))).toBeNull();
  await executor.close();
});
