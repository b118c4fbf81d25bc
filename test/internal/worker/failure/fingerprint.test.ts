import { describe, expect, test } from 'vitest';
import { type FailureBundle, lastLines } from '../../../../internal/worker/failure/bundle.ts';
import { fingerprint, normalise } from '../../../../internal/worker/failure/fingerprint.ts';
import { meaningOf } from '../../../../internal/worker/failure/meaning.ts';

const bundle = (more: Partial<FailureBundle> = {}): FailureBundle => ({
  exitCode: 1,
  signal: null,
  reason: null,
  meaning: null,
  failing: { command: 'make test', line: 3, message: null },
  interpreter: 'bash',
  stdoutTail: [],
  stderrTail: ['error in part 7'],
  git: null,
  machine: { diskFreeBytes: 1, diskTotalBytes: 2, memoryFreeBytes: 3, memoryTotalBytes: 4 },
  ...more,
});

describe('normalise', () => {
  test.each([
    ['pid 123 died', 'pid 99999 died'],
    ['at 2026-01-02T03:04:05.678Z', 'at 2027-11-12T13:14:15Z'],
    ['12:00:01 failed', '9:15 failed'],
    ['/tmp/build-Xy12/a.c: bad', '/tmp/build-Qq99/b/a.c: bad'],
    ['commit 3f5ac4b0762a failed', 'commit 91ffde12 failed'],
    ['id 29229ea1-8c41-4d2e-9f00-0123456789ab', 'id 00000000-8c41-4d2e-9f00-0123456789ab'],
    ['at 0x7ffe12', 'at 0xdeadbeef'],
    ['took 1.5 s', 'took 12,345.67 s'],
    ['\u001b[31merror\u001b[0m', 'error'],
    ['1234567 bytes', '12 bytes'],
  ])('%s looks like %s', (one, other) => {
    expect(normalise(one)).toBe(normalise(other));
  });

  test('different words stay different', () => {
    expect(normalise('cannot find foo')).not.toBe(normalise('cannot find bar'));
    expect(normalise('deadline passed')).toBe('deadline passed');
  });
});

describe('fingerprint', () => {
  test('what is known to say it all stands for command and last words', () => {
    const said = (text: string, more: Partial<FailureBundle> = {}) => fingerprint(bundle(more), text);
    const other = { stderrTail: ['fetched abc'], failing: { command: null, line: null, message: null } };
    expect(said('PushError\nrefused 3 times')).toBe(said('PushError\nrefused 4 times', other));
    expect(said('PushError\nrefused')).not.toBe(said('TestExecutionError\nrefused'));
    expect(said('x', { exitCode: 2 })).not.toBe(said('x'));
  });

  test('it is equal for the same failure on another day', () => {
    expect(fingerprint(bundle())).toBe(
      fingerprint(
        bundle({
          stderrTail: ['error in part 8'],
          failing: { command: 'make test', line: 9, message: null },
        }),
      ),
    );
  });

  test.each([
    ['exit code', { exitCode: 2 }],
    ['signal', { signal: 'SIGKILL', exitCode: null }],
    ['reason', { reason: 'timeout' as const }],
    ['words', { stderrTail: ['something else'] }],
    ['command', { failing: { command: 'make', line: 3, message: null } }],
  ])('another %s is another failure', (_what, more) => {
    expect(fingerprint(bundle(more))).not.toBe(fingerprint(bundle()));
  });

  test('standard output counts when nothing was said on standard error', () => {
    const silent = { stderrTail: [] };
    expect(fingerprint(bundle({ ...silent, stdoutTail: ['a'] }))).not.toBe(
      fingerprint(bundle({ ...silent, stdoutTail: ['b'] })),
    );
  });
});

describe('meaningOf', () => {
  test.each([
    [{ exitCode: 127, signal: null }, 'command not found'],
    [{ exitCode: 137, signal: null }, 'SIGKILL'],
    [{ exitCode: null, signal: 'SIGSEGV' }, 'bad memory access'],
  ])('%o has a meaning', (end, words) => {
    expect(meaningOf(end)).toContain(words);
  });

  test('an exit code of its own has none', () => {
    expect(meaningOf({ exitCode: 42, signal: null })).toBeNull();
    expect(meaningOf({ exitCode: null, signal: null })).toBeNull();
  });
});

describe('lastLines', () => {
  test('it keeps the last 200 lines', () => {
    const lines = lastLines(Array.from({ length: 500 }, (_, index) => `line ${index}\n`).join(''));
    expect(lines).toHaveLength(200);
    expect(lines.at(-1)).toBe('line 499');
  });

  test('it bounds a flood without line ends', () => {
    expect(lastLines('x'.repeat(10_000_000)).join('').length).toBeLessThan(1_000);
    const wide = lastLines(`${'y'.repeat(450)}\n`.repeat(300));
    expect(wide.join('\n').length).toBeLessThanOrEqual(64 * 1024);
    expect(wide.length).toBeGreaterThan(100);
  });

  test('nothing is no lines', () => {
    expect(lastLines('')).toEqual([]);
  });
});
