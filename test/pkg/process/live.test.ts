import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { type LiveCall, runLive } from '../../../pkg/process/live.ts';
import { isAlive, readStat } from '../../../pkg/process/proc.ts';
import { ProcessStartError } from '../../../pkg/process/run.ts';
import { endProcesses } from '../../../pkg/process/tree.ts';
import { timerByHand } from '../../fixtures/timer-by-hand.ts';

let number = 0;
const markers: string[] = [];
afterEach(async () => {
  for (const marker of markers.splice(0))
    await endProcesses({ clock: systemClock, marker, root: null, graceMs: 0 });
});

/** Runs a shell script, and keeps what it prints. */
function run(script: string, more: Partial<LiveCall> = {}) {
  const value = `live-${process.pid}-${++number}`;
  const marker = `LIVE_TEST=${value}`;
  markers.push(marker);
  const pieces: string[] = [];
  const end = runLive({
    clock: systemClock,
    command: 'bash',
    args: ['-c', script],
    cwd: '/',
    env: { PATH: process.env.PATH ?? '', LIVE_TEST: value },
    marker,
    output: async (stream, bytes) => {
      pieces.push(`${stream}:${Buffer.from(bytes)}`);
    },
    timeoutMs: null,
    graceMs: 5_000,
    signal: new AbortController().signal,
    ...more,
  });
  return { end, pieces, printed: () => pieces.join(''), marker };
}
const isThere = (pid: number) => isAlive({ pid, startTicks: null });

describe('a program that is run live', () => {
  test('hands on its output as it comes', async () => {
    let release = () => {};
    const held = new Promise<void>((done) => {
      release = done;
    });
    const seen: string[] = [];
    const directory = mkdtempSync(join(tmpdir(), 'live-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const go = join(directory, 'go');
    const { end } = run(`echo one; until [ -e '${go}' ]; do sleep 0.02; done; echo two`, {
      output: async (_stream, bytes) => {
        seen.push(String(Buffer.from(bytes)));
        await held;
      },
    });
    await vi.waitFor(() => expect(seen).toEqual(['one\n']), 10_000);
    writeFileSync(go, '');
    release();
    expect(await end).toMatchObject({ exitCode: 0, signal: null, stopped: null });
    expect(seen.join('')).toBe('one\ntwo\n');
  });

  test('has an empty stdin and nothing of our environment', async () => {
    const { end, printed } = run('cat; echo "$HOME."; exit 7');
    expect(await end).toMatchObject({ exitCode: 7 });
    expect(printed()).toBe('stdout:.\n');
  });

  test('is read to its last byte', async () => {
    let bytes = 0;
    const { end } = run('head -c 3000000 /dev/zero; head -c 1000000 /dev/zero >&2', {
      output: async (_stream, piece) => {
        bytes += piece.length;
      },
    });
    await (await end).drained;
    expect(bytes).toBe(4_000_000);
  });

  test('that is not there is told by its code', async () => {
    const { end } = run('', { command: 'no-such-program', args: [] });
    await expect(end).rejects.toThrow(ProcessStartError);
    await expect(end).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('does not wait for what it left in the background, whose output goes on', async () => {
    const { end, printed, marker } = run(
      '(until [ -e /proc/$$/gone ]; do sleep 0.05; echo late; done) & echo $!',
    );
    const { drained } = await end;
    const before = printed().length;
    await vi.waitFor(() => expect(printed().length).toBeGreaterThan(before), 10_000);
    expect(await endProcesses({ clock: systemClock, marker, root: null, graceMs: 5_000 })).toBeGreaterThan(0);
    await drained;
  });

  test('is ended when its time is up, with children that left its group, and those that forgot its environment', async () => {
    const script =
      'setsid sleep 300 & a=$!; env -i sleep 301 & b=$!; (sleep 302 & echo $a $b $!); exec sleep 303';
    const timeoutMs = 1_500;
    const { clock, ring } = timerByHand(timeoutMs);
    const { end, printed } = run(script, { timeoutMs, clock });
    await vi.waitFor(() => expect(printed()).toMatch(/\n$/), 10_000);
    ring();
    expect(await end).toMatchObject({ exitCode: null, signal: 'SIGTERM', stopped: 'timeout' });
    const pids = printed().replace('stdout:', '').trim().split(' ').map(Number);
    expect(pids).toHaveLength(3);
    expect(pids.filter(isThere)).toEqual([]);
  });

  test('that is stopped wakes up to end', async () => {
    const stop = new AbortController();
    const { end, printed } = run('trap "echo bye; exit 3" TERM; echo up $$; kill -STOP $$; sleep 300', {
      signal: stop.signal,
    });
    const stateOf = () => readStat(Number(/up (\d+)\n/.exec(printed())?.[1] ?? 0))?.state;
    await vi.waitFor(() => expect(stateOf()).toBe('T'), 10_000);
    stop.abort();
    expect(await end).toMatchObject({ exitCode: 3, stopped: 'signal' });
    expect(printed()).toContain('bye\n');
  });
});

test('what belongs to somebody else is left alone', async () => {
  const other = run('sleep 300 & echo $!; wait');
  await vi.waitFor(() => expect(other.printed()).toMatch(/\d+\n/), 10_000);
  const mine = run('sleep 300', { timeoutMs: 300 });
  expect(await mine.end).toMatchObject({ stopped: 'timeout' });
  expect(isThere(Number(other.printed().replace('stdout:', '')))).toBe(true);
  await endProcesses({ clock: systemClock, marker: other.marker, root: null, graceMs: 0 });
  await other.end;
});
