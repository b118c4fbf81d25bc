import type { SettingValues } from '../../../internal/config/table.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import type { Policy } from '../../../internal/domain/policy.ts';
import { policyFaults } from '../../../internal/domain/policy-faults.ts';
import type { RetryDefaults } from '../../../internal/domain/retry.ts';
import { readPolicy } from '../../../internal/trigger/read-policy.ts';

/** The settings of policies, by the fields of a policy. */
const policySettings = {
  cooldown: 'defaultCooldown',
  maxRunsPerDay: 'defaultMaxRunsPerDay',
  maxRunsPerHour: 'defaultMaxRunsPerHour',
  maxCostPerDay: 'defaultMaxCostPerDay',
  maxCostPerRun: 'defaultMaxCostPerRun',
  costEstimate: 'defaultCostEstimate',
  maxConcurrent: 'defaultMaxConcurrent',
} as const satisfies Record<string, keyof SettingValues>;

/**
 * What holds for workflows that do not say, as it was set.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE when the settings contradict each other, or an amount is none
 */
export function defaultParts(values: SettingValues): {
  readonly policyDefaults: Policy | null;
  readonly retryDefaults: RetryDefaults;
} {
  const said = Object.entries(policySettings).flatMap(([field, key]) => {
    const value = values[key];
    // durations are ms inside, and have a unit where people write them
    return value === null ? [] : [[field, field === 'cooldown' ? `${value}ms` : value] as const];
  });
  const breaker = values.defaultBreaker ? { breaker: {} } : {};
  const { defaultMaxAttempts: maxAttempts, defaultBackoff } = values;
  return {
    policyDefaults: readDefaults({ ...Object.fromEntries(said), ...breaker }),
    retryDefaults: {
      maxAttempts,
      backoff: defaultBackoff === 'fixed' ? 'fixed' : 'exponential',
      delayMs: values.defaultRetryDelay,
      maxDelayMs: values.defaultMaxRetryDelay,
    },
  };
}

function readDefaults(written: Readonly<Record<string, unknown>>): Policy | null {
  try {
    const policy = readPolicy(written);
    // they are of workflows: with a limit of cost and no estimate, none of those that say nothing would ever run
    const faults = policy === null ? [] : policyFaults(policy, true);
    if (faults.length === 0) return policy;
    throw refusal(faults.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== 'KERUTA_ERR_POLICY_SHAPE') throw error;
    throw refusal(error.message, error);
  }
}

function refusal(why: string, cause?: unknown): InputError {
  const message = `The settings governance.* (KERUTA_DEFAULT_…) contradict each other, or cannot be read: ${why}`;
  return new InputError('KERUTA_ERR_BAD_VALUE', message, { cause });
}
