import { describe, expect, test } from 'vitest';
import { defaultParts } from '../../../cmd/keruta/roles/default-parts.ts';
import { loadSettings } from '../../../internal/config/load-settings.ts';
import { breakerDefaults, emptyPolicy } from '../../../internal/domain/policy.ts';
import { retryDefaults } from '../../../internal/domain/retry.ts';

const parts = (env: Record<string, string>) =>
  defaultParts(loadSettings({ env, isServer: true, home: '/home/ann', uid: 1, cwd: '/work' }).values);

describe('the defaults of workflows', () => {
  test('that nobody set are no policy, and the retries that keruta has itself', () => {
    const { backoff, delayMs, maxDelayMs } = retryDefaults;
    expect(parts({})).toEqual({
      policyDefaults: null,
      retryDefaults: { maxAttempts: 1, backoff, delayMs, maxDelayMs },
    });
  });

  test('come from the environment, each as a field of the policy', () => {
    const env = {
      KERUTA_DEFAULT_COOLDOWN: '90s',
      KERUTA_DEFAULT_MAX_RUNS_PER_DAY: '20',
      KERUTA_DEFAULT_MAX_RUNS_PER_HOUR: '5',
      KERUTA_DEFAULT_MAX_COST_PER_DAY: '5.00',
      KERUTA_DEFAULT_MAX_COST_PER_RUN: '1.5',
      KERUTA_DEFAULT_COST_ESTIMATE: '0.25',
      KERUTA_DEFAULT_MAX_CONCURRENT: '2',
      KERUTA_DEFAULT_BREAKER: 'yes',
    };
    expect(parts(env).policyDefaults).toEqual({
      ...emptyPolicy,
      ...{ cooldownMs: 90_000, maxRunsPerDay: 20, maxRunsPerHour: 5, maxCostPerDayMicro: 5_000_000 },
      ...{ maxCostPerRunMicro: 1_500_000, costEstimateMicro: 250_000, maxConcurrent: 2 },
      breaker: breakerDefaults,
    });
  });

  test('of retries too', () => {
    const env = {
      KERUTA_DEFAULT_MAX_ATTEMPTS: '3',
      KERUTA_DEFAULT_BACKOFF: 'fixed',
      KERUTA_DEFAULT_RETRY_DELAY: '10s',
      KERUTA_DEFAULT_MAX_RETRY_DELAY: '1m',
    };
    expect(parts(env).retryDefaults).toEqual({
      ...{ maxAttempts: 3, backoff: 'fixed', delayMs: 10_000, maxDelayMs: 60_000 },
    });
  });

  test.each([
    [{ KERUTA_DEFAULT_MAX_COST_PER_DAY: 'much' }, 'maxCostPerDay: expected an amount'],
    [{ KERUTA_DEFAULT_MAX_COST_PER_DAY: '5' }, 'maxCostPerDay: expected costEstimate or maxCostPerRun'],
    [
      { KERUTA_DEFAULT_MAX_COST_PER_DAY: '1', KERUTA_DEFAULT_MAX_COST_PER_RUN: '2' },
      'maxCostPerRun: expected at most maxCostPerDay',
    ],
    [
      { KERUTA_DEFAULT_MAX_RUNS_PER_DAY: '2', KERUTA_DEFAULT_MAX_RUNS_PER_HOUR: '3' },
      'maxRunsPerHour: expected at most maxRunsPerDay',
    ],
  ])('that are none, %j, are refused with the field and the settings named', (env, message) => {
    expect(() => parts(env as Record<string, string>)).toThrow(message);
    expect(() => parts(env as Record<string, string>)).toThrow('KERUTA_DEFAULT_');
  });
});
