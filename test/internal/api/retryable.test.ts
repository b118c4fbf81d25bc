import { describe, expect, test } from 'vitest';
import { isRetryable, mayHaveHappened, retry, retryDelayMs } from '../../../internal/api/retryable.ts';
import { ConflictError, InputError, UnavailableError } from '../../../internal/domain/errors.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { HttpConnectError, HttpTimeoutError } from '../../../pkg/http/http-errors.ts';
import { noJitter, until } from '../../fake-server/api.ts';

const away = (details = {}) => new UnavailableError('KERUTA_ERR_API_UNAVAILABLE', 'away', { details });
const policy = { clock: new TestClock(), random: noJitter, retries: null };

describe('an error', () => {
  test.each<[string, unknown, boolean]>([
    ['of kind unavailable is', away(), true],
    ['of kind conflict is not', new ConflictError('KERUTA_ERR_TRANSITION', 'x'), false],
    ['of kind input is not', new InputError('KERUTA_ERR_BAD_BODY', 'x'), false],
    ['that is a bug is not', new TypeError('x'), false],
  ])('%s worth another try', (_what, error, expected) => {
    expect(isRetryable(error)).toBe(expected);
  });
});

describe('a call that failed', () => {
  const by = (cause: Error) => new UnavailableError('KERUTA_ERR_API_UNAVAILABLE', 'away', { cause });
  test.each<[string, unknown, boolean]>([
    ['without a connection has had no effect', by(new HttpConnectError('x')), false],
    ['while it connected has had no effect', by(new HttpTimeoutError('connect', 'x')), false],
    ['by 503 has had no effect', away({ status: 503 }), false],
    ['by 429 has had no effect', away({ status: 429 }), false],
    ['by a refusal has had no effect', new ConflictError('KERUTA_ERR_TRANSITION', 'x'), false],
    ['by 500 may have had one', away({ status: 500 }), true],
    ['by a missing answer may have had one', by(new HttpTimeoutError('headers', 'x')), true],
    ['by a broken connection may have had one', by(new Error('reset')), true],
  ])('%s', (_what, error, expected) => {
    expect(mayHaveHappened(error)).toBe(expected);
  });
});

describe('a delay', () => {
  test('doubles up to its greatest', () => {
    const delays = [1, 2, 3, 8, 99].map((count) => retryDelayMs(policy, count));
    expect(delays).toEqual([500, 1000, 2000, 60_000, 60_000]);
  });

  test('is taken down by half at most', () => {
    expect(retryDelayMs({ ...policy, random: { ...noJitter, fraction: () => 0 } }, 2)).toBe(500);
  });

  test('is as long as the server asks for, within reason', () => {
    expect(retryDelayMs(policy, 1, away({ retryAfterMs: 5000 }))).toBe(5000);
    expect(retryDelayMs(policy, 4, away({ retryAfterMs: 1 }))).toBe(4000);
    expect(retryDelayMs(policy, 1, away({ retryAfterMs: 1e12 }))).toBe(600_000);
  });
});

describe('a repeated action', () => {
  test('succeeds when one try does, after the delays', async () => {
    const clock = new TestClock();
    const seen: number[] = [];
    let tries = 0;
    const action = async () => {
      tries += 1;
      if (tries < 3) throw away();
      return 'done';
    };
    const result = retry({ ...policy, clock, onRetry: ({ delayMs }) => seen.push(delayMs) }, action);
    await until(() => seen.length === 1);
    clock.advance(500);
    await until(() => seen.length === 2);
    clock.advance(1000);
    expect([await result, tries, seen]).toEqual(['done', 3, [500, 1000]]);
  });

  test('ends with the last error when its repetitions are used up, and at once when it is not worth one', async () => {
    let tries = 0;
    const failing = (error: Error) => async () => {
      tries += 1;
      throw error;
    };
    await expect(retry({ ...policy, retries: 0 }, failing(away()))).rejects.toThrow('away');
    await expect(retry(policy, failing(new TypeError('bug')))).rejects.toThrow('bug');
    expect(tries).toBe(2);
  });

  test('ends with the reason of the signal while it waits', async () => {
    const stop = new AbortController();
    const result = retry(
      { ...policy, onRetry: () => queueMicrotask(() => stop.abort(new Error('stopped'))) },
      () => Promise.reject(away()),
      stop.signal,
    );
    await expect(result).rejects.toThrow('stopped');
  });
});
