import { describe, expect, test } from 'vitest';
import { type ProcessCall, ProcessStartError, runProcess } from '../../../pkg/process/run.ts';
import { lives } from '../../fixtures/lives.ts';

const call = (script: string, more: Partial<ProcessCall> = {}) =>
  runProcess({
    command: 'sh',
    args: ['-c', script],
    cwd: '/tmp',
    env: { PATH: '/usr/bin:/bin' },
    timeoutMs: 10_000,
    maxOutputBytes: 1_000,
    ...more,
  });

describe('runProcess', () => {
  test('an exit code and both outputs are values', async () => {
    expect(await call('echo out; echo err >&2; exit 3')).toEqual({
      exitCode: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
      truncated: false,
    });
  });

  test('nothing of the own environment is inherited', async () => {
    const { stdout } = await call('env');
    expect(stdout).not.toContain('VITEST');
    expect(stdout).not.toContain('HOME=');
  });

  test('stdin is what is given, and empty otherwise', async () => {
    expect((await call('cat', { stdin: 'words' })).stdout).toBe('words');
    expect((await call('cat')).stdout).toBe('');
  });

  test('output over the limit is read and dropped', async () => {
    const result = await call('head -c 5000000 /dev/zero | tr "\\0" x', { maxOutputBytes: 10 });
    expect(result).toMatchObject({ exitCode: 0, stdout: 'xxxxxxxxxx', truncated: true });
  });

  test('a timeout ends the whole group', async () => {
    const result = await call('sleep 4242.25 & sleep 4242.25', { timeoutMs: 100 });
    expect(result).toMatchObject({ timedOut: true, exitCode: null });
    await expect.poll(() => lives('4242.25')).toBe(false);
  });

  test('an abort ends the whole group and throws its reason', async () => {
    const controller = new AbortController();
    const running = call('sleep 4242.5 & sleep 4242.5', { signal: controller.signal });
    await expect.poll(() => lives('4242.5')).toBe(true);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await expect.poll(() => lives('4242.5')).toBe(false);
  });

  test('a program that is not there is a start error', async () => {
    const error = await call('', { command: 'no-such-program' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ProcessStartError);
    expect(error).toMatchObject({ code: 'ENOENT' });
  });
});
