/** What makes a policy contradict itself, or refuse everything. */
import { formatDuration } from './duration.ts';
import { formatMoney } from './money.ts';
import type { Policy } from './policy.ts';

/** A fault, and the field that shows it. */
export interface PolicyFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Finds everything that contradicts itself. @param isOfWorkflow  whether an estimate can stand nowhere else */
export function policyFaults(policy: Policy, isOfWorkflow: boolean): PolicyFault[] {
  const faults: PolicyFault[] = [];
  const add = (path: readonly (string | number)[], message: string) => faults.push({ path, message });
  const { maxRunsPerDay: perDay, maxRunsPerHour: perHour, breaker } = policy;
  if (perDay !== null && perHour !== null && perHour > perDay)
    add(
      ['maxRunsPerHour'],
      `expected at most maxRunsPerDay (${perDay}), got ${perHour}: it would limit nothing`,
    );
  for (const [path, message] of costFaults(policy, isOfWorkflow)) add([path], message);
  if (policy.cooldownFrom !== null && policy.cooldownMs === null)
    add(['cooldownFrom'], 'expected a cooldown beside it, got none');
  if (policy.failMode === 'open' && policy.cooldownMs === null)
    add(['failMode'], 'expected a cooldown beside failMode: open, which concerns nothing else; got none');
  if (breaker !== null && breaker.minRuns > breaker.window)
    add(
      ['breaker', 'minRuns'],
      `expected at most window (${breaker.window}), got ${breaker.minRuns}: it would never open`,
    );
  if (breaker !== null && breaker.coolOffMs > breaker.maxCoolOffMs)
    add(
      ['breaker', 'coolOff'],
      `expected at most maxCoolOff (${formatDuration(breaker.maxCoolOffMs)}), got ${formatDuration(breaker.coolOffMs)}`,
    );
  const { allowedHours: hours } = policy;
  if (
    hours !== null &&
    hours.windows.length === 0 &&
    Object.values(hours.except).every((one) => one.length === 0)
  )
    add(['allowedHours', 'windows'], 'expected at least one window, got none: nothing would ever run');
  return faults;
}

function costFaults(policy: Policy, isOfWorkflow: boolean): (readonly [string, string])[] {
  const { maxCostPerDayMicro: perDay, maxCostPerRunMicro: perRun, costEstimateMicro: estimate } = policy;
  const faults: (readonly [string, string])[] = [];
  const over = (field: string, value: number | null, [name, limit]: readonly [string, number | null]) => {
    if (value === null || limit === null || value <= limit) return;
    faults.push([field, `expected at most ${name} (${formatMoney(limit)}), got ${formatMoney(value)}`]);
  };
  over('maxCostPerRun', perRun, ['maxCostPerDay', perDay]);
  over('costEstimate', estimate, ['maxCostPerRun', perRun]);
  over('costEstimate', estimate, ['maxCostPerDay', perDay]);
  if (isOfWorkflow && perDay !== null && estimate === null && perRun === null)
    faults.push([
      'maxCostPerDay',
      'expected costEstimate or maxCostPerRun beside it, got neither: a run of unknown price is refused, so nothing would ever run',
    ]);
  return faults;
}
