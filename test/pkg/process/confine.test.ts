import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { type Confined, confine } from '../../../pkg/process/confine.ts';
import { canLimit } from '../../../pkg/process/control-group.ts';
import { enterWords } from '../../../pkg/process/enter.ts';
import { runTree } from '../../../pkg/process/run-tree.ts';

const mib = 1024 ** 2;
/** Holds 120 MB in a child, and waits. */
const eats =
  'sh -c \'x=$(head -c 120000000 /dev/zero | tr "\\0" x); sleep 30; echo "$x"\'; echo "it ended with $?"; exit 3';

describe('a program with limits', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'confine-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  let count = 0;
  async function run(confined: Confined, script: string) {
    let said = '';
    const ended = await runTree({
      ...{ clock: systemClock, command: 'sh', args: ['-c', script], cwd: directory, confined },
      env: { PATH: '/usr/bin:/bin', SAID: 'yes' },
      mark: { name: 'TEST_MARK', value: `${process.pid}-confine-${++count}` },
      timeoutMs: 60_000,
      onOutput: (stream, bytes) => {
        if (stream === 'stdout') said += bytes.toString();
      },
    });
    return { ...ended, said };
  }
  const watched: Confined = { through: [], memoryBytes: 60 * mib, isWatched: true, oomKills: () => null };

  test('is ended with all that it started when it was seen above its memory', async () => {
    expect(await run(watched, eats)).toMatchObject({ outOfMemory: true, timedOut: false, said: '' });
  });

  test('is left alone below its memory', async () => {
    const ended = await run({ ...watched, memoryBytes: 2_000 * mib }, 'sleep 1.2; exit 4');
    expect(ended).toMatchObject({ outOfMemory: false, exitCode: 4 });
  });

  test('may hold so many files open, is the process that it would have been, and finds its environment', async () => {
    const through = enterWords({ groups: [], maxFiles: 33 });
    const ended = await run(
      { ...watched, through, memoryBytes: null, isWatched: false },
      'ulimit -n; ulimit -Hn; echo $SAID; kill -USR1 $$',
    );
    expect(ended).toMatchObject({ said: '33\n33\nyes\n', signal: 'SIGUSR1' });
  });

  test('that is not there is told as without limits', async () => {
    const confined = { ...watched, through: enterWords({ groups: [], maxFiles: 33 }) };
    const call = {
      ...{ clock: systemClock, args: [], cwd: directory, confined, env: { PATH: '/usr/bin' } },
      ...{ mark: { name: 'TEST_MARK', value: 'none' }, timeoutMs: 10_000, onOutput: () => {} },
    };
    await expect(runTree({ ...call, command: 'no-such-program' })).rejects.toMatchObject({ code: 'ENOENT' });
    writeFileSync(join(directory, 'closed'), '');
    chmodSync(join(directory, 'closed'), 0o644);
    await expect(runTree({ ...call, command: './closed' })).rejects.toMatchObject({ code: 'EACCES' });
  });

  const memory = { memoryBytes: 60 * mib, cpus: null, processes: null };
  describe.skipIf(!canLimit('test', memory))('that the kernel keeps', () => {
    test('loses what takes too much memory, and that is told', async () => {
      const limits = confine('test', { memoryBytes: 60 * mib, cpus: 1 });
      try {
        expect([limits.memory, limits.cpu]).toEqual(['kernel', 'kernel']);
        expect(await run(limits.confined, eats)).toMatchObject({
          outOfMemory: true,
          exitCode: 3,
          said: 'it ended with 137\n',
        });
        // the next one begins anew
        expect(await run(limits.confined, 'exit 5')).toMatchObject({ outOfMemory: false, exitCode: 5 });
      } finally {
        limits.close();
      }
    });

    test('gets so much of the processors and no more', async () => {
      const limits = confine('test', { memoryBytes: null, cpus: 0.2 });
      try {
        const ended = await run(limits.confined, 'timeout 2 sh -c "while :; do :; done"; times');
        // user and system time of the children, the second line
        const [, spent = ''] = ended.said.split('\n');
        const seconds = [...spent.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
          (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
          0,
        );
        expect(seconds).toBeGreaterThan(0);
        expect(seconds).toBeLessThan(1);
      } finally {
        limits.close();
      }
    });
  });
});
