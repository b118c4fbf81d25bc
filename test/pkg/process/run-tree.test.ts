import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { ProcessStartError } from '../../../pkg/process/run.ts';
import { runTree, type TreeCall } from '../../../pkg/process/run-tree.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { lives } from '../../fixtures/lives.ts';

async function call(script: string, more: Partial<TreeCall> = {}) {
  const output = { stdout: '', stderr: '' };
  const result = await runTree({
    command: 'sh',
    args: ['-c', script],
    cwd: '/tmp',
    env: { PATH: '/usr/bin:/bin' },
    mark: { name: 'TREE_TEST_ID', value: systemRandom.uuid4() },
    timeoutMs: 30_000,
    clock: systemClock,
    onOutput: (stream, bytes) => {
      output[stream] += bytes.toString();
    },
    ...more,
  });
  return { ...result, ...output };
}

describe('a program', () => {
  test('gets its stdin, its environment and the mark, and its output comes as it is printed', async () => {
    const ended = await call('cat; env | sort >&2; exit 3', {
      stdin: 'words',
      env: { PATH: '/usr/bin:/bin', A: '1' },
    });
    expect(ended).toMatchObject({
      exitCode: 3,
      signal: null,
      timedOut: false,
      leftBehind: 0,
      stdout: 'words',
    });
    expect(ended.stderr).toMatch(/^A=1\n/);
    expect(ended.stderr).toMatch(/^TREE_TEST_ID=[0-9a-f-]{36}$/m);
    expect(ended.stderr).not.toContain('VITEST');
  });

  test('that does not read a long stdin is no fault', async () => {
    expect(await call('exit 0', { stdin: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
  });

  test('that is not there, or gets too much, is told as such', async () => {
    await expect(call('', { command: '/no/such/program' })).rejects.toThrow(ProcessStartError);
    await expect(call('', { env: { A: 'x'.repeat(3_000_000) } })).rejects.toMatchObject({ code: 'E2BIG' });
  });

  test('that ended by a signal says which', async () => {
    expect(await call('kill -9 $$')).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  });
});

describe('when a program has ended', () => {
  test.each([
    ['a child in the background', 'sleep 4711.01 & echo up', '4711.01'],
    [
      'a child in another session',
      'setsid sleep 4711.02 >/dev/null 2>&1 </dev/null & sleep 0.2; echo up',
      '4711.02',
    ],
    [
      'one without its environment that holds the output',
      // begins after its outputs were looked at, by which alone it is found
      'cat; env -i setsid sleep 4711.03 & sleep 0.2; echo up',
      '4711.03',
    ],
    ['one that takes no SIGTERM', "(trap '' TERM HUP; exec sleep 4711.04) & echo up", '4711.04'],
  ])('%s is ended too, and counted', async (_what, script, mark) => {
    const ended = await call(script);
    expect([ended.exitCode, ended.stdout]).toEqual([0, 'up\n']);
    expect(ended.leftBehind).toBeGreaterThan(0);
    expect(lives(mark)).toBe(false);
  });
});

describe('a program that does not end', () => {
  test('is ended with all that it started when its time is up', async () => {
    const ended = await call('sleep 4712.01 & setsid sleep 4712.01 & sleep 4712.01', { timeoutMs: 300 });
    expect(ended).toMatchObject({ timedOut: true, exitCode: null });
    expect(lives('4712.01')).toBe(false);
  });

  test('may tidy up at SIGTERM, and is killed when it goes on', async () => {
    const tidy = await call("trap 'echo tidy; exit 9' TERM; sleep 4712.02 & wait", { timeoutMs: 2000 });
    expect(tidy).toMatchObject({ timedOut: true, exitCode: 9, stdout: 'tidy\n' });
    const deaf = await call("trap '' TERM; while :; do sleep 0.1; done", { timeoutMs: 2000 });
    expect(deaf).toMatchObject({ timedOut: true, signal: 'SIGKILL' });
  });

  test('is gone before the abort that ended it comes out', async () => {
    const abort = new AbortController();
    const onOutput = () => abort.abort(new Error('enough'));
    await expect(call('echo up; sleep 4712.03', { signal: abort.signal, onOutput })).rejects.toThrow(
      'enough',
    );
    expect(lives('4712.03')).toBe(false);
  });
});
