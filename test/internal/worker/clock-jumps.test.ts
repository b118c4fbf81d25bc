/** F-111 without a machine: what the agent measures, it measures with the clock that nobody sets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Run, RunEnd } from '../../../internal/executor/executor.ts';
import { Cursor } from '../../../internal/worker/cursor.ts';
import { Input } from '../../../internal/worker/input.ts';
import { maskingOf } from '../../../internal/worker/masking.ts';
import { Supervisor } from '../../../internal/worker/supervisor.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

const dayMs = 86_400_000;
let directory: string;
let clock: TestClock;
let cursor: Cursor;
/** what was done to the run, in order */
let done: string[];
let end: RunEnd | null;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keruta-clock-'));
  clock = new TestClock();
  cursor = new Cursor(join(directory, 'cursor.json'), clock);
  done = [];
  end = null;
});
afterEach(() => {
  cursor.forget();
  rmSync(directory, { recursive: true, force: true });
});

/** A run that goes on until it is killed. */
function endlessRun(): Run {
  const run: Partial<Run> = {
    directory,
    ended: async () => end,
    interrupt: async () => void done.push('interrupt'),
    kill: async () => {
      done.push('kill');
      end = { exitCode: null, signal: 'SIGKILL', endedAt: clock.now(), shimLost: false, oomKilled: false };
      return 1;
    },
    processes: async () => [],
    size: async () => 0,
  };
  return run as Run;
}

/** Lets time pass in small steps, with what waits for it. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    clock.advance(Math.min(100, left));
    for (let turn = 0; turn < 10; turn++) await new Promise((next) => setImmediate(next));
  }
}

describe.each([
  ['forward', dayMs],
  ['back', -dayMs],
])('a wall clock that is set %s by a day', (_way, byMs) => {
  const limits = { timeoutMs: 10_000, noOutputTimeoutMs: null, graceMs: 2_000, cleanUpMs: 1_000 };

  test('F-111: moves neither the time limit of a run nor its grace', async () => {
    const supervisor = new Supervisor(
      { clock, log: silentLog },
      { run: endlessRun(), cursor, limits, ranMs: 0 },
    );
    const ended = supervisor.ended(new AbortController().signal);
    await pass(5_000);
    clock.jump(byMs);
    await pass(4_500);
    expect(done).toEqual([]);
    await pass(1_000);
    expect(done).toEqual(['interrupt']);
    clock.jump(byMs);
    await pass(1_000);
    expect(done).toEqual(['interrupt']);
    await pass(1_500);
    expect(done).toEqual(['interrupt', 'kill']);
    expect(await ended).toMatchObject({ signal: 'SIGKILL' });
    expect(cursor.state.reason).toBe('timeout');
  });

  test('F-111: closes no question before its time, and none after it', async () => {
    const withdrawn: string[] = [];
    const control = { say: ({ kind }: { kind: string }) => void withdrawn.push(kind) };
    const input = new Input(
      { clock, random: systemRandom, log: silentLog },
      {
        run: endlessRun(),
        cursor,
        control: control as unknown as ConstructorParameters<typeof Input>[1]['control'],
        masking: maskingOf([]),
        input: 'none',
        inputTimeoutMs: 1_000,
        onWaiting: () => {},
      },
    );
    const over = new AbortController();
    const watching = input.watch(over.signal);
    input.ask({
      kind: 'ask',
      question: 'go on?',
      key: 'k',
      timeoutMs: 10_000,
      choices: [],
      fallback: null,
      secret: false,
    });
    await pass(1_000);
    clock.jump(byMs);
    await pass(8_000);
    expect(input.open()).toEqual(['k']);
    await pass(2_000);
    expect(input.open()).toEqual([]);
    expect(withdrawn).toEqual(['withdraw']);
    over.abort();
    await watching;
  });
});
