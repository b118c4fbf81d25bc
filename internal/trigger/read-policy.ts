/** Reads a policy as people write it, and names every fault at once. Pure. */
import type { ZodError } from 'zod';
import { InputError, KerutaError } from '../domain/errors.ts';
import { approvalDefaults, breakerDefaults, emptyPolicy, type Policy } from '../domain/policy.ts';
import { type PolicyFault, policyFaults } from '../domain/policy-faults.ts';
import { readZone } from './cron/zone.ts';
import { type PolicyInput, policyShape } from './policy-shape.ts';

/**
 * Reads a policy that stands by itself: of a session, or over everything.
 * @returns null when it says nothing
 * @throws {InputError} KERUTA_ERR_POLICY_SHAPE with `details.faults`
 */
export function readPolicy(value: unknown): Policy | null {
  const read = policyShape.safeParse(value);
  const faults = read.success ? faultsOfPolicy(read.data, false) : faultsOfShape(read.error);
  if (read.success && faults.length === 0) return policyOf(read.data);
  const told = faults.map(({ path, message }) => `${path.join('.') || 'the policy'}: ${message}`);
  throw new InputError('KERUTA_ERR_POLICY_SHAPE', `The policy cannot be taken: ${told.join('; ')}`, {
    details: { faults },
  });
}

function faultsOfShape(error: ZodError): PolicyFault[] {
  return error.issues.map(({ path, message }) => ({ path: path.map((part) => String(part)), message }));
}

/** What contradicts itself in a policy that has the shape. @param isOfWorkflow @see policyFaults */
export function faultsOfPolicy(input: PolicyInput, isOfWorkflow: boolean): PolicyFault[] {
  const faults = [...zoneFaults(input.timezone, ['timezone'])];
  faults.push(...zoneFaults(input.allowedHours?.timezone, ['allowedHours', 'timezone']));
  const policy = policyOf(input);
  return policy === null ? faults : [...faults, ...policyFaults(policy, isOfWorkflow)];
}

function zoneFaults(zone: string | undefined, path: readonly string[]): PolicyFault[] {
  try {
    if (zone !== undefined) readZone(zone);
    return [];
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    return [{ path, message: error.message }];
  }
}

/** The policy that was written; null when it says nothing. */
export function policyOf(input: PolicyInput): Policy | null {
  const { allowedHours, requireApproval, breaker } = input;
  const policy: Policy = {
    ...emptyPolicy,
    mode: input.mode ?? null,
    failMode: input.failMode ?? null,
    timezone: input.timezone ?? null,
    cooldownMs: input.cooldown ?? null,
    cooldownFrom: input.cooldownFrom ?? null,
    maxRunsPerDay: input.maxRunsPerDay ?? null,
    maxRunsPerHour: input.maxRunsPerHour ?? null,
    maxCostPerDayMicro: input.maxCostPerDay ?? null,
    maxCostPerRunMicro: input.maxCostPerRun ?? null,
    costEstimateMicro: input.costEstimate ?? null,
    maxConcurrent: input.maxConcurrent ?? null,
    allowedRepositories: input.allowedRepositories ?? null,
    allowedExecutors: input.allowedExecutors ?? null,
    allowedHours: allowedHours
      ? {
          timezone: allowedHours.timezone ?? null,
          windows: allowedHours.windows,
          except: allowedHours.except ?? {},
        }
      : null,
    requireApproval: requireApproval
      ? {
          role: requireApproval.role ?? approvalDefaults.role,
          expiresMs: requireApproval.expires ?? approvalDefaults.expiresMs,
        }
      : null,
    breaker: breaker ? breakerOf(breaker) : null,
  };
  return Object.values(policy).every((value) => value === null) ? null : policy;
}

function breakerOf(input: NonNullable<PolicyInput['breaker']>): NonNullable<Policy['breaker']> {
  const window = input.window ?? breakerDefaults.window;
  return {
    window,
    minRuns: input.minRuns ?? Math.min(window, breakerDefaults.minRuns),
    failureRate: input.failureRate ?? breakerDefaults.failureRate,
    consecutiveFailures: input.consecutiveFailures ?? breakerDefaults.consecutiveFailures,
    coolOffMs: input.coolOff ?? breakerDefaults.coolOffMs,
    maxCoolOffMs: input.maxCoolOff ?? Math.max(breakerDefaults.maxCoolOffMs, input.coolOff ?? 0),
    probes: input.probes ?? breakerDefaults.probes,
    probeLeaseMs: input.probeLease ?? breakerDefaults.probeLeaseMs,
  };
}
