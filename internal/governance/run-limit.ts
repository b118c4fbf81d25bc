import type { Check } from '../domain/policy.ts';
import type { LimitWindow } from './limit-window.ts';

/** Whether one more run fits into every window. @param used  runs so far, by the key of the window */
export function checkRunLimit(windows: readonly LimitWindow[], used: ReadonlyMap<string, number>): Check[] {
  return windows
    .filter(({ kind }) => kind === 'runs')
    .map(({ key, unit, scope, limit }) => {
      const value = used.get(key) ?? 0;
      const passed = value < limit;
      return {
        name: `runs_per_${unit}`,
        passed,
        limit,
        value,
        scope,
        ...(passed ? {} : { reason: 'run_limit' }),
      };
    });
}
