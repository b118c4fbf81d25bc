import type { PolicyScope, ScopedPolicy } from '../domain/policy.ts';
import { windowName } from './day-window.ts';

/** A limit that is used up within a day or an hour. */
export interface LimitWindow {
  /** of its counter: what, where, and which day or hour */
  readonly key: string;
  readonly kind: 'runs' | 'cost';
  readonly unit: 'day' | 'hour';
  readonly scope: PolicyScope;
  /** runs, or micro-dollars */
  readonly limit: number;
}

/** The windows of all policies that an instant lies in. */
export function limitWindows(policies: readonly ScopedPolicy[], now: number): LimitWindow[] {
  return policies.flatMap(({ scope, id, zone, policy }) => {
    const rows = [
      ['runs', 'hour', policy.maxRunsPerHour],
      ['runs', 'day', policy.maxRunsPerDay],
      ['cost', 'day', policy.maxCostPerDayMicro],
    ] as const;
    return rows.flatMap(([kind, unit, limit]) =>
      limit === null
        ? []
        : [{ key: `${kind} ${scope} ${id} ${windowName(unit, zone, now)}`, kind, unit, scope, limit }],
    );
  });
}
