import type { Check, PolicyScope, ScopedPolicy } from '../domain/policy.ts';

/** Whether one more task may wait or run. @param unfinished  tasks that triggers made and that are not at their end */
export function checkConcurrency(
  policies: readonly ScopedPolicy[],
  unfinished: Readonly<Partial<Record<PolicyScope, number>>>,
): Check[] {
  return policies.flatMap(({ scope, policy: { maxConcurrent: limit } }) => {
    if (limit === null) return [];
    const value = unfinished[scope] ?? 0;
    const passed = value < limit;
    return [
      { name: 'concurrency', passed, limit, value, scope, ...(passed ? {} : { reason: 'concurrency' }) },
    ];
  });
}
