import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeLocalExecutor } from '../../../internal/executor/local/local-executor.ts';
import { wasOomKilled } from '../../../internal/executor/shim/run-oom.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { countOomKills, type OomCounts } from '../../../pkg/process/oom.ts';
import { canLimitMemory, makeMemoryGroup } from '../../fixtures/memory-group.ts';
import { endOf } from './executor-contract.ts';
import { useLocalPlace } from './local-place.ts';

const counts = (group: number | null, machine: number | null): OomCounts => ({ file: 'f', group, machine });
const killed = { exitCode: null, signal: 'SIGKILL' };

test.each<[string, Parameters<typeof wasOomKilled>, boolean]>([
  ['its group’s count rose', [killed, counts(3, 9), counts(4, 9)], true],
  ['the machine’s count rose', [killed, counts(3, 9), counts(3, 10)], true],
  ['only the machine counts', [killed, counts(null, 9), counts(null, 10)], true],
  ['the shell says 137', [{ exitCode: 137, signal: null }, counts(3, 9), counts(4, 10)], true],
  ['nothing rose', [killed, counts(3, 9), counts(3, 9)], false],
  ['the group began anew', [killed, counts(3, null), counts(0, null)], false],
  ['nobody counts', [killed, counts(null, null), counts(null, null)], false],
  ['its group cannot be read any more', [killed, counts(3, null), counts(null, null)], false],
  ['an older version began it', [killed, null, counts(4, 10)], false],
  ['it ended by itself', [{ exitCode: 1, signal: null }, counts(3, 9), counts(4, 10)], false],
  ['it was ended by SIGTERM', [{ exitCode: null, signal: 'SIGTERM' }, counts(3, 9), counts(4, 10)], false],
])('a run when %s: %#', (_what, [end, before, now], expected) => {
  expect(wasOomKilled(end, before, now)).toBe(expected);
});

const canLimit = await canLimitMemory();

describe('a script that takes more memory than there is', () => {
  const place = useLocalPlace();

  const start = (script: string, number = 1) => {
    const { base, executor } = place();
    return executor.start({
      directory: join(base, 'runs', `task.${number}`),
      runId: `run-${base}-${number}`,
      script,
      workingDirectory: base,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      input: 'none',
    });
  };

  // `tail` keeps a line without an end in memory
  test.skipIf(!canLimit).each([
    ['itself', 'exec tail /dev/zero', { exitCode: null, signal: 'SIGKILL' }],
    ['in a child', 'tail /dev/zero; exit $?', { exitCode: 137, signal: null }],
  ])(
    'F-06: %s is known to have been killed by the kernel (needs a control group)',
    async (_how, eat, end) => {
      const group = makeMemoryGroup(64 * 1024 * 1024);
      const run = await start(`${group?.enter}; ${eat}`);
      onTestFinished(() => group?.remove());
      expect(await endOf(run)).toMatchObject({ ...end, oomKilled: true });
      // also for the agent that finds it later
      const other = makeLocalExecutor({ clock: systemClock, stateDirectory: join(place().base, 'executor') });
      const found = await other.attach(run.directory);
      expect(await found?.ended()).toMatchObject({ ...end, oomKilled: true });
      await run.kill();
      await other.close();
    },
  );

  test('a script that somebody else killed is not', async () => {
    // a neighbour who is short of memory meanwhile is not told apart
    for (let isQuiet = false, number = 1; !isQuiet; number++) {
      const before = countOomKills();
      const end = await endOf(await start('kill -KILL $$', number));
      isQuiet = countOomKills().machine === before.machine;
      expect(end).toMatchObject({ signal: 'SIGKILL', ...(isQuiet && { oomKilled: false }) });
    }
  });
});
