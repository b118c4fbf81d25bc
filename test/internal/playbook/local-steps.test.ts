import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { makeLocalSteps } from '../../../internal/playbook/local-steps.ts';
import type { StepCall } from '../../../internal/playbook/playbook.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { isAlive } from '../../../pkg/process/proc.ts';
import { timerByHand } from '../../fixtures/timer-by-hand.ts';

let home = '';
let printed = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'keruta-steps-'));
  mkdirSync(join(home, 'work'));
  printed = '';
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

let number = 0;
function make(graceMs = 30_000, isPrivate?: (path: string) => boolean, clock: Clock = systemClock) {
  const runId = `run-${process.pid}-${++number}`;
  const runner = makeLocalSteps({
    clock,
    runId,
    workingDirectory: join(home, 'work'),
    artifactsDirectory: join(home, 'kept'),
    scratchDirectory: join(home, 'scratch'),
    env: { PATH: process.env.PATH ?? '', BASE: 'base', OVER: 'base' },
    output: async (stream, bytes) => {
      printed += `${stream === 'stderr' ? '!' : ''}${Buffer.from(bytes)}`;
    },
    graceMs,
    ...(isPrivate === undefined ? {} : { isPrivate }),
  });
  const run = (command: string, more: Partial<StepCall> = {}) =>
    runner.run({
      attemptId: `${runId}.1.1`,
      command,
      shell: null,
      env: {},
      workdir: '.',
      outputs: null,
      artifacts: [],
      timeoutMs: null,
      signal: new AbortController().signal,
      ...more,
    });
  return { run, runner, runId };
}
/** Waits for a pid that a command wrote down. */
const pidIn = (file: string) =>
  vi.waitFor(
    () => Number(/^\d+\n$/.exec(readFileSync(join(home, 'work', file), 'utf8'))?.[0] ?? assertNever()),
    10_000,
  );
const assertNever = () => {
  throw new Error('not written yet');
};
const isGone = (pid: number) => !isAlive({ pid, startTicks: null });

describe('the command of a step', () => {
  test('is run by a shell, with the environment of the run and its own', async () => {
    const { run } = make();
    const end = await run('echo "$BASE $OVER"; pwd; echo oops >&2', { env: { OVER: 'own' } });
    expect(end).toMatchObject({ exitCode: 0, signal: null, reason: null });
    expect(printed).toContain(`base own\n${join(home, 'work')}\n`);
    expect(printed).toContain('!oops\n');
  });

  test('ends at the first line that fails', async () => {
    const { run } = make();
    expect(await run('false\necho never')).toMatchObject({ exitCode: 1, reason: null });
    expect(printed).toBe('');
  });

  test('may be for another program', async () => {
    const { run } = make();
    const shell = [process.execPath, '-e'] as const;
    expect(await run('console.log(1 + 1); process.exit(4)', { shell: [...shell] })).toMatchObject({
      exitCode: 4,
    });
    expect(printed).toBe('2\n');
  });

  test('that a signal ends says which', async () => {
    expect(await make().run('kill -SEGV $$')).toMatchObject({
      exitCode: null,
      signal: 'SIGSEGV',
      reason: null,
    });
  });

  test.each([
    [
      'a program that is not there',
      { shell: ['no-such-program'] as const },
      'expected the program no-such-program',
    ],
    ['a directory that is not there', { workdir: 'gone' }, 'expected a directory to run in, got none at'],
    ['a directory whose name is none', { workdir: 'a\0b' }, 'expected a directory to run in'],
    ['a directory whose name is too long', { workdir: 'x'.repeat(5000) }, 'expected a directory to run in'],
    ['a value with a NUL', { env: { A: 'a\0b' } }, 'cannot be started'],
    ['a value that is too large', { env: { A: 'x'.repeat(4 * 1024 * 1024) } }, 'too large for the system'],
  ])('for which there is %s is a fault that says so', async (_what, more, message) => {
    const end = await make().run('true', more as Partial<StepCall>);
    expect(end).toMatchObject({ exitCode: null, reason: 'fault', message: expect.stringContaining(message) });
  });

  test('hands on a hundred mebibytes without keeping them', async () => {
    let bytes = 0;
    const { run } = make();
    const runner = makeLocalSteps({
      clock: systemClock,
      runId: 'large',
      workingDirectory: home,
      artifactsDirectory: home,
      scratchDirectory: join(home, 'scratch'),
      env: { PATH: process.env.PATH ?? '' },
      output: async (_stream, piece) => {
        bytes += piece.length;
      },
    });
    const call = { attemptId: 'large.1.1', shell: null, env: {}, workdir: '.', outputs: null, artifacts: [] };
    const signal = new AbortController().signal;
    const command = 'head -c 104857600 /dev/zero';
    await runner.run({ ...call, command, timeoutMs: null, signal });
    expect(bytes).toBe(104_857_600);
    expect(await run('true')).toMatchObject({ exitCode: 0 });
  });
});

describe('outputs', () => {
  test('are read from the file that a command wrote them to', async () => {
    const { run } = make();
    const end = await run(
      'echo "version=1.2" >> "$KERUTA_OUTPUT"; printf "n<<E\\na\\nb\\nE\\n" >> "$KERUTA_OUTPUT"',
      {
        outputs: ['version', 'n'],
      },
    );
    expect(end).toMatchObject({ exitCode: 0, reason: null, outputs: { version: '1.2', n: 'a\nb' } });
    expect(readdirSync(join(home, 'scratch'))).toEqual([]);
  });

  test.each([
    [
      'that were promised and not written',
      'true',
      'expected it to write the output version to $KERUTA_OUTPUT, got none',
    ],
    ['that cannot be read', 'echo nonsense > "$KERUTA_OUTPUT"', 'line 1: expected NAME=VALUE'],
    [
      'that are too large',
      'head -c 2000000 /dev/zero > "$KERUTA_OUTPUT"',
      'expected at most 1048576 bytes, got 2000000',
    ],
    ['whose file is gone', 'rm "$KERUTA_OUTPUT"', 'the file is gone (ENOENT)'],
  ])('%s make a step fail that went well', async (_what, command, message) => {
    const end = await make().run(command, { outputs: ['version'] });
    expect(end).toMatchObject({ exitCode: 0, reason: 'fault', message: expect.stringContaining(message) });
  });

  test('of a command that failed are not what it failed for', async () => {
    expect(await make().run('exit 3', { outputs: ['version'] })).toMatchObject({ exitCode: 3, reason: null });
  });
});

describe('artifacts', () => {
  test('are kept under their paths, also when the command failed', async () => {
    const { run } = make();
    const command =
      'mkdir -p out/deep .git; touch out/a.xml out/deep/b.xml out/c.txt .git/d.xml; ln -s a.xml out/link.xml; exit 1';
    const end = await run(command, { artifacts: ['out/**/*.xml', '*.txt', 'none-*'] });
    expect(end).toMatchObject({
      exitCode: 1,
      artifacts: ['out/a.xml', 'out/deep/b.xml', 'out/c.txt'],
      notes: ['artifacts: no file is called none-*'],
    });
    expect(readdirSync(join(home, 'kept/out'), { recursive: true }).toSorted()).toEqual([
      'a.xml',
      'c.txt',
      'deep',
      'deep/b.xml',
    ]);
  });

  test('S-34: are never what holds credentials or is somebody’s own, and that is said of files that a pattern means', async () => {
    const work = join(home, 'work');
    const { run } = make(5_000, (path) => path === join(work, 'state') || path === join(work, 'token'));
    const command =
      'mkdir -p .ssh .keruta state; touch a .npmrc .ssh/id .keruta/local.token state/local.token token';
    expect(await run(command, { artifacts: ['**', '.npmrc'] })).toMatchObject({
      artifacts: ['a'],
      notes: ['artifacts: .npmrc is not kept: private', 'artifacts: token is not kept: private'],
    });
    const inside = await run('touch id', { workdir: 'state', artifacts: ['**'] });
    expect(inside).toMatchObject({ artifacts: [], notes: [expect.stringContaining('is private')] });
    expect(readdirSync(join(home, 'kept'))).toEqual(['a']);
  });

  test('in the directory where they are kept are not kept again', async () => {
    const { runId } = make();
    const runner = makeLocalSteps({
      clock: systemClock,
      runId,
      workingDirectory: join(home, 'work'),
      artifactsDirectory: join(home, 'work/kept'),
      scratchDirectory: join(home, 'scratch'),
      env: { PATH: process.env.PATH ?? '' },
      output: async () => {},
    });
    const call = {
      command: 'touch a',
      shell: null,
      env: {},
      workdir: '.',
      outputs: null,
      artifacts: ['**'],
      timeoutMs: null,
    };
    const signal = new AbortController().signal;
    for (const n of [1, 2])
      expect(await runner.run({ ...call, signal, attemptId: `${runId}.${n}.1` })).toMatchObject({
        artifacts: ['a'],
      });
    expect(readdirSync(join(home, 'work/kept'))).toEqual(['a']);
  });

  test('never replace what is no file', async () => {
    mkdirSync(join(home, 'kept'));
    writeFileSync(join(home, 'outside'), 'mine');
    symlinkSync(join(home, 'outside'), join(home, 'kept/a'));
    expect(await make().run('echo theirs > a', { artifacts: ['a'] })).toMatchObject({
      artifacts: [],
      notes: ['artifacts: a could not be kept (EEXIST)'],
    });
    expect(readFileSync(join(home, 'outside'), 'utf8')).toBe('mine');
  });
});

describe('a step that is ended', () => {
  const tree = 'sleep 300 & echo $! > child; setsid sleep 301 & env -i sleep 302 & echo $! > bare; wait';

  test('by its timeout ends with every process that came from it', async () => {
    const { clock, ring } = timerByHand(1_000);
    const running = make(5_000, undefined, clock).run(tree, { timeoutMs: 1_000 });
    await pidIn('bare');
    ring();
    const end = await running;
    expect(end).toMatchObject({ reason: 'timeout', message: 'its time was up: expected at most 1 s' });
    for (const file of ['child', 'bare']) expect(isGone(await pidIn(file))).toBe(true);
  });

  test('by a stop ends too, and by force when it does not listen', async () => {
    const { run } = make(100);
    const stop = new AbortController();
    const running = run(`trap '' TERM INT; echo $$ > child; while :; do sleep 300; done`, {
      signal: stop.signal,
    });
    const pid = await pidIn('child');
    stop.abort();
    expect(await running).toMatchObject({ reason: 'cancelled', signal: 'SIGKILL' });
    expect(isGone(pid)).toBe(true);
  });

  test('may clean up before its end', async () => {
    const { run } = make();
    const stop = new AbortController();
    const running = run(`trap 'echo cleaned; exit 9' TERM; echo $$ > child; while :; do sleep 0.05; done`, {
      signal: stop.signal,
    });
    await pidIn('child');
    stop.abort();
    expect(await running).toMatchObject({ reason: 'cancelled', exitCode: 9 });
    // a shell may say before or after it that what it waited for was ended too
    expect(printed).toMatch(/^cleaned$/m);
  });

  test('before it began runs nothing that lasts', async () => {
    expect(await make().run('sleep 300', { signal: AbortSignal.abort() })).toMatchObject({
      reason: 'cancelled',
    });
  });
});

describe('what a step leaves in the background', () => {
  test('does not keep the next step waiting, goes on, and ends with the run', async () => {
    const { run, runner } = make();
    const end = await run('(while :; do sleep 0.05; echo tick; done) & echo $! > child');
    expect(end).toMatchObject({ exitCode: 0 });
    const pid = await pidIn('child');
    expect(isAlive({ pid, startTicks: null })).toBe(true);
    const before = printed.length;
    await vi.waitFor(() => expect(printed.length).toBeGreaterThan(before), 10_000);
    await runner.close();
    expect(isGone(pid)).toBe(true);
  });

  test('by a process that was killed is ended by the next start', async () => {
    const { run, runner, runId } = make();
    await run('setsid sleep 300 >/dev/null 2>&1 & echo $! > child');
    const pid = await pidIn('child');
    await runner.endLeftovers(`${runId}.1.2`);
    expect(isAlive({ pid, startTicks: null })).toBe(true);
    await runner.endLeftovers(`${runId}.1.1`);
    expect(isGone(pid)).toBe(true);
  });
});

test('the file of outputs can be read by its user alone', async () => {
  await make().run('stat -c %a "$KERUTA_OUTPUT" "$(dirname "$KERUTA_OUTPUT")"');
  expect(printed).toBe('600\n700\n');
  expect(statSync(join(home, 'scratch')).isDirectory() && existsSync(join(home, 'work'))).toBe(true);
});
