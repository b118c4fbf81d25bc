import { expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { runChild } from '../../../pkg/process/run-child.ts';

const call = { clock: systemClock, cwd: '/', stdin: '', graceMs: 200, signal: new AbortController().signal };

test('a program reads what it is given, and its output and end are told', async () => {
  const said: string[] = [];
  const end = await runChild({
    ...call,
    command: 'sh',
    args: ['-c', 'cat; echo aside >&2; exit 3'],
    stdin: 'text',
    output: (stream, bytes) => void said.push(`${stream}: ${Buffer.from(bytes).toString().trim()}`),
  });
  expect(end).toEqual({ exitCode: 3, signal: null });
  expect(said.sort()).toEqual(['stderr: aside', 'stdout: text']);
});

test('one that does not read its input, or is not there, is told of', async () => {
  const stdin = 'x'.repeat(1024 * 1024);
  expect(await runChild({ ...call, stdin, command: 'true', args: [], output: () => {} })).toMatchObject({
    exitCode: 0,
  });
  await expect(
    runChild({ ...call, command: '/nowhere/x', args: [], output: () => {} }),
  ).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

test('one that does not end when it is asked to is ended by force', async () => {
  const stop = new AbortController();
  const end = await runChild({
    ...call,
    command: 'sh',
    args: ['-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done'],
    output: () => stop.abort(),
    signal: stop.signal,
  });
  expect(end).toEqual({ exitCode: null, signal: 'SIGKILL' });
});
