import type { Policy } from '../domain/policy.ts';

/**
 * A policy, and for what it does not say the defaults.
 * @returns null when neither says anything
 */
export function withDefaults(policy: Policy | null, defaults: Policy | null): Policy | null {
  if (policy === null || defaults === null) return policy ?? defaults;
  const said = Object.entries(policy).filter(([, value]) => value !== null);
  return { ...defaults, ...Object.fromEntries(said) };
}
