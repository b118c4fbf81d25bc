import type { ApprovalRule, Check, ScopedPolicy } from '../domain/policy.ts';

/** Whether everybody who must agree has. @param approved  roles that have agreed to this run */
export function checkApproval(policies: readonly ScopedPolicy[], approved: readonly string[]): Check[] {
  return policies.flatMap(({ scope, policy: { requireApproval: rule } }) => {
    if (rule === null) return [];
    const passed = approved.includes(rule.role);
    const check = { name: 'approval', passed, limit: rule.role, value: passed ? rule.role : null, scope };
    return [passed ? check : { ...check, reason: 'approval_asked' }];
  });
}

/** Who is asked next; null when nobody. */
export function approvalWanted(
  policies: readonly ScopedPolicy[],
  approved: readonly string[],
): ApprovalRule | null {
  const rules = policies.flatMap(({ policy }) => policy.requireApproval ?? []);
  return rules.find(({ role }) => !approved.includes(role)) ?? null;
}
