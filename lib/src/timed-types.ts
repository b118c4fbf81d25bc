import type { TriggerType } from '../../internal/trigger/trigger-type.ts';
import { cron } from '../../internal/trigger/types/cron.ts';
import { interval } from '../../internal/trigger/types/interval.ts';

/** The types of triggers that fall due by time, by name: what a scheduler can do by itself. */
export const timedTypes: ReadonlyMap<string, TriggerType> = new Map(
  [cron, interval].map((type) => [type.name, type]),
);
