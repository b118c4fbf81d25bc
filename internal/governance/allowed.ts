import { matchesGlob } from '../../pkg/glob/glob.ts';
import type { Check, ScopedPolicy } from '../domain/policy.ts';

/** Whether the repository that would be checked out is one that each policy allows; without one nothing is asked. */
export function checkRepository(policies: readonly ScopedPolicy[], repository: string | null): Check[] {
  return policies.flatMap(({ scope, policy: { allowedRepositories: allowed } }) => {
    if (allowed === null || repository === null) return [];
    const value = plainAddress(repository);
    const passed = isAllowedRepository(allowed, repository);
    const check = { name: 'repository', passed, limit: allowed.join(', '), value, scope };
    return [passed ? check : { ...check, reason: 'repository_refused' }];
  });
}

/** Whether what would run the task is allowed. */
export function checkExecutor(policies: readonly ScopedPolicy[], executor: string): Check[] {
  return policies.flatMap(({ scope, policy: { allowedExecutors: allowed } }) => {
    if (allowed === null) return [];
    const passed = allowed.includes(executor);
    const check = { name: 'executor', passed, limit: allowed.join(', '), value: executor, scope };
    return [passed ? check : { ...check, reason: 'executor_refused' }];
  });
}

/** Whether an address fits one of the patterns, see `matchesGlob`. `.git` and credentials count for nothing. */
export function isAllowedRepository(patterns: readonly string[], address: string): boolean {
  const plain = plainAddress(address);
  return patterns.some((pattern) => matchesGlob(plainAddress(pattern), plain));
}

function plainAddress(address: string): string {
  return address
    .trim()
    .replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
}
