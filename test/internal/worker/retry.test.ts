import { expect, test } from 'vitest';
import type { AttemptReporter } from '../../../internal/api/task-source.ts';
import { UnavailableError } from '../../../internal/domain/errors.ts';
import { Heartbeat } from '../../../internal/worker/heartbeat.ts';
import { claimPauses } from '../../../internal/worker/loop.ts';
import { Backoff, persist, type RetryParts } from '../../../internal/worker/retry.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { nextTurn } from '../../../pkg/event-loop/next-turn.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

const hourMs = 3_600_000;
const away = new UnavailableError('KERUTA_ERR_API_UNAVAILABLE', 'the API is away');

/** Lets an hour pass for something that tries again and again. @returns when it tried; ms */
async function anHour(begin: (parts: RetryParts, tried: () => void, signal: AbortSignal) => unknown) {
  const clock = new TestClock();
  const at: number[] = [];
  const stop = new AbortController();
  begin(
    { clock, random: systemRandom, log: silentLog },
    () => void at.push(clock.monotonicMs()),
    stop.signal,
  );
  for (let ms = 0; ms < hourMs; ms += 250) {
    await nextTurn();
    clock.advance(250);
  }
  stop.abort();
  return at;
}

const persisting = (parts: RetryParts, tried: () => void, signal: AbortSignal) =>
  void persist(parts, 'it', {
    signal,
    run: async () => {
      tried();
      throw away;
    },
  }).catch(() => {});

const claiming = async (parts: RetryParts, tried: () => void, signal: AbortSignal) => {
  const backoff = new Backoff(parts, claimPauses);
  while (!signal.aborted) {
    tried();
    await parts.clock.sleep(backoff.next(away), signal).catch(() => {});
  }
};

const renewing = (parts: RetryParts, tried: () => void, signal: AbortSignal) => {
  const renew = async () => {
    tried();
    throw away;
  };
  const none = () => {};
  const events = { onCancel: none, onInputs: none, onTimeout: none, onGone: none, deliveredInputs: () => [] };
  void new Heartbeat(parts, { renew } as unknown as AttemptReporter, events).beat(signal);
};

test.each([
  // what is tried, tries in the first minute and in each after it, the longest pause
  ['what is to be delivered', persisting, 12, 4, 30_000],
  ['the next claim', claiming, 12, 6, 20_000],
  ['the renewal of a claim', renewing, 30, 24, 5_000],
] as const)(
  'F-37: while the API is away for an hour %s is tried more and more rarely, and never given up',
  async (_what, begin, mostFirst, mostLater, longestMs) => {
    const at = await anHour(begin);
    const inMinute = (minute: number) => at.filter((ms) => Math.floor(ms / 60_000) === minute).length;
    expect(inMinute(0)).toBeLessThanOrEqual(mostFirst);
    for (let minute = 2; minute < 60; minute++) expect(inMinute(minute)).toBeLessThanOrEqual(mostLater);
    const gapsMs = at.slice(1).map((ms, index) => ms - (at[index] ?? 0));
    // the clock goes by quarters of a second
    expect(Math.max(...gapsMs)).toBeLessThanOrEqual(longestMs + 250);
    expect((at.at(-1) ?? 0) + longestMs + 250).toBeGreaterThanOrEqual(hourMs);
    // many agents do not come back at the same instant
    expect(new Set(gapsMs.slice(-20)).size).toBeGreaterThan(3);
  },
  60_000,
);
