import { z } from 'zod';
import { makeCronRule } from '../cron/cron-rule.ts';
import { type ScheduleContext, triggerType } from '../trigger-type.ts';

const spec = z.strictObject({
  /** five fields, or a macro */
  expression: z.string(),
  /** IANA name; default: the server's */
  timezone: z.string().optional(),
});

function ruleOf({ expression, timezone }: z.output<typeof spec>, { triggerId, zone }: ScheduleContext) {
  return makeCronRule({ text: expression, zone: timezone ?? zone, triggerId });
}

/** Falls due when the clock on the wall matches a cron expression. */
export const cron = triggerType({
  name: 'cron',
  doc: 'when the wall clock of a time zone matches an expression of five fields',
  source: 'cron',
  spec,
  check: (one, context) => ruleOf(one, context).expression.warnings,
  schedule: ruleOf,
});
