/** What limits leave a workflow, for people. */
import type { TriggerStatusWire } from '../../../internal/api/trigger-shapes.ts';
import { formatMoney } from '../../../internal/domain/money.ts';

type Limit = NonNullable<TriggerStatusWire['limits']>[number];

const names = {
  runs_per_hour: 'runs this hour',
  runs_per_day: 'runs today',
  cost_per_day: 'money today',
  concurrency: 'at a time',
} as const satisfies Record<Limit['name'], string>;

/** Breaker and limits of the workflow of a trigger, field by field; none when nothing limits it. */
export function limitFields(
  one: Pick<TriggerStatusWire, 'limits' | 'breaker'>,
): (readonly [string, string | null])[] {
  const { limits = [], breaker = null } = one;
  return [
    ['breaker', breaker === null ? null : breakerText(breaker)],
    ...limits.map((limit): [string, string] => [nameOf(limit), leftText(limit)]),
  ];
}

/** A limit of the workflow itself needs no word for where it stands. */
function nameOf({ name, scope }: Limit): string {
  const place = { workflow: '', session: ' (session)', global: ' (everything)' }[scope];
  return `${names[name]}${place}`;
}

function leftText({ unit, limit, used, left }: Limit): string {
  if (unit === 'micro-dollars')
    return `$${formatMoney(left)} left of $${formatMoney(limit)}, $${formatMoney(used)} spent or reserved`;
  return `${left} left of ${limit}`;
}

function breakerText({ state, failed, of, openUntil }: NonNullable<TriggerStatusWire['breaker']>): string {
  const seen = of === 0 ? '' : `${failed} of the last ${of} failed`;
  if (state === 'closed') return ['closed', seen].filter((text) => text !== '').join(', ');
  if (openUntil !== null) return `open, then one run as a probe from ${openUntil} on`;
  return 'half open: nothing runs until its probe has ended';
}
