import { describe, expect, test } from 'vitest';
import { KerutaError } from '../../../internal/domain/errors.ts';
import { readPolicy } from '../../../internal/trigger/read-policy.ts';
import { readWorkflow } from '../../../internal/trigger/read-workflow.ts';
import { writePolicy, writeWorkflow } from '../../../internal/trigger/write-workflow.ts';

const whole = {
  mode: 'shadow',
  failMode: 'open',
  timezone: 'Europe/Berlin',
  cooldown: '1m30s',
  cooldownFrom: 'success',
  maxRunsPerDay: 20,
  maxRunsPerHour: 5,
  maxCostPerDay: '5.00',
  maxCostPerRun: '0.50',
  costEstimate: '0.10',
  maxConcurrent: 2,
  allowedHours: {
    timezone: 'Asia/Tokyo',
    windows: ['mon-fri 09:00-17:00'],
    except: { '2026-12-25': [], '2026-12-24': ['09:00-12:00'] },
  },
  requireApproval: { role: 'release', expires: '2h' },
  allowedRepositories: ['https://git.example.com/team/*'],
  allowedExecutors: ['local', 'docker'],
  breaker: { window: 20, minRuns: 4, failureRate: 0.25, consecutiveFailures: 3, coolOff: '5m', probes: 2 },
};

const faultsOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof KerutaError) return error.message;
    throw error;
  }
  return '';
};
const workflow = (more: object) => () => readWorkflow({ name: 'w', run: 'true', ...more }, { zone: 'UTC' });

describe('a policy', () => {
  test('is read with its units and written as it was read', () => {
    const policy = readPolicy({ ...whole, currency: 'USD' });
    expect(policy).toMatchObject({ cooldownMs: 90_000, maxCostPerDayMicro: 5_000_000, maxRunsPerHour: 5 });
    expect(policy?.breaker).toMatchObject({ maxCoolOffMs: 86_400_000, probeLeaseMs: 3_600_000 });
    expect(writePolicy(policy!)).toMatchObject(whole);
    expect(readPolicy(writePolicy(policy!))).toEqual(policy);
  });

  test('that says nothing is none', () => {
    expect(readPolicy({})).toBeNull();
    expect(readPolicy({ currency: 'USD' })).toBeNull();
  });

  test('takes money as a number too', () => {
    expect(readPolicy({ maxCostPerRun: 1.5 })?.maxCostPerRunMicro).toBe(1_500_000);
    expect(readPolicy({ maxCostPerRun: 0.000001 })?.maxCostPerRunMicro).toBe(1);
  });

  test.each<[object, string]>([
    [{ maxRunsPerDay: -1 }, 'maxRunsPerDay'],
    [{ maxRunsPerDay: 0 }, 'maxRunsPerDay'],
    [{ maxRunsPerDay: 1.5 }, 'maxRunsPerDay'],
    [{ maxCostPerDay: '-1' }, 'maxCostPerDay: expected an amount over 0'],
    [{ maxCostPerDay: 0 }, 'maxCostPerDay: expected an amount over 0'],
    [{ maxCostPerDay: '1e99' }, 'maxCostPerDay: expected an amount over 0'],
    [{ currency: 'EUR' }, 'currency: expected USD, got EUR'],
    [{ breaker: { window: 0 } }, 'breaker.window'],
    [{ breaker: { failureRate: 1.1 } }, 'breaker.failureRate'],
    [{ cooldown: 'soon' }, 'cooldown: expected a duration'],
    [{ cooldown: 0 }, 'cooldown: expected a duration over 0'],
    [{ timezone: 'Mars/Olympus' }, 'timezone'],
    [{ allowedHours: { windows: ['9-17'] } }, 'allowedHours.windows.0: expected hours such as'],
    [{ allowedHours: { windows: [], except: { xmas: [] } } }, 'expected a date'],
    [{ requireApproval: { role: 'No Role' } }, 'requireApproval.role'],
    [{ allowedExecutors: ['mainframe'] }, 'allowedExecutors.0'],
    [{ allowedRepositories: ['x'.repeat(201)] }, 'allowedRepositories.0'],
    [{ maxRuns: 5 }, 'maxRuns'],
  ])('with %j is refused by name', (value, message) => {
    expect(faultsOf(() => readPolicy(value))).toContain(message);
  });

  test('names all of its faults at once', () => {
    const message = faultsOf(() => readPolicy({ maxRunsPerDay: 1, maxRunsPerHour: 2, failMode: 'open' }));
    expect(message).toMatch(/maxRunsPerHour.*failMode/);
  });
});

describe('the policy of a workflow', () => {
  test('stands in its definition, with path and limits in every fault', () => {
    expect(workflow({ policy: { cooldown: '1m' } })().definition.policy?.cooldownMs).toBe(60_000);
    expect(workflow({})().definition.policy).toBeNull();
    expect(faultsOf(workflow({ policy: { maxCostPerDay: 5 } }))).toContain(
      'policy.maxCostPerDay: expected costEstimate or maxCostPerRun beside it',
    );
  });

  test('comes out of an export as it went in', () => {
    const more = { policy: whole, fallback: './classic.sh', migrationWeight: 0.3, fallbackStrategy: 'never' };
    const { definition } = workflow(more)();
    const again = readWorkflow(writeWorkflow(definition, true), { zone: 'UTC' });
    expect(again.definition).toEqual(definition);
  });
});

describe('a fallback', () => {
  test('runs after failures unless it says otherwise, and every time goes to the agent', () => {
    expect(workflow({ fallback: './classic.sh' })().definition.fallback).toMatchObject({
      task: { script: './classic.sh' },
      strategy: 'on_failure',
      migrationWeight: 1,
    });
  });

  test.each<[object, string]>([
    [{ migrationWeight: 0.5 }, 'migrationWeight: expected a fallback'],
    [{ fallbackStrategy: 'never' }, 'fallbackStrategy: expected a fallback'],
    [{ fallback: 'x', migrationWeight: 1.5 }, 'migrationWeight'],
    [{ fallback: 'x', migrationWeight: -0.1 }, 'migrationWeight'],
    [{ fallback: 'x', fallbackStrategy: 'sometimes' }, 'fallbackStrategy'],
  ])('%j is refused by name', (more, message) => {
    expect(faultsOf(workflow(more))).toContain(message);
  });
});
