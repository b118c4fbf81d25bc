import type { TriggerStatusWire } from '../../../internal/api/trigger-shapes.ts';
import type { HoldWire } from '../../../internal/api/workflow-shapes.ts';
import { command } from '../command.ts';
import { detailsText } from './details-text.ts';
import { limitFields } from './limit-fields.ts';
import { printFields, printJson, shortId, span } from './print.ts';

/** `keruta trigger status` */
export const triggerStatus = command({
  name: 'trigger status',
  summary:
    'Tells how triggers are: what comes next, how the last runs went, what limits leave, and why it last did not run.',
  positionals: {
    workflow: { doc: 'name or id' },
    trigger: { doc: 'one of its triggers; all when left out', optional: true },
  },
  options: {},
  examples: ['keruta trigger status nightly', 'keruta trigger status nightly cron --json'],
  exits: { 1: 'one of them is overdue' },
  run: async (context, values) => {
    const client = await context.makeClient();
    const all = await client.triggers.status(values.workflow, { signal: context.signal });
    const { trigger: wanted } = values;
    const found = all.filter((one) => wanted === undefined || [one.trigger, one.triggerId].includes(wanted));
    if (found.length === 0) {
      const { NotFoundError } = await import('../../../internal/domain/errors.ts');
      const names = all.map(({ trigger }) => trigger).join(', ');
      throw new NotFoundError(
        'KERUTA_ERR_TRIGGER_NOT_FOUND',
        `Workflow ${values.workflow} has the triggers ${names}, and no ${wanted}.`,
      );
    }
    if (context.json) await printJson(context, found);
    else {
      for (const [n, one] of found.entries()) {
        if (n > 0) await context.stdout.write('\n');
        await printFields(context, [...fieldsOf(one), ...limitFields(one)]);
      }
    }
    return found.some(({ overdue }) => overdue) ? 1 : 0;
  },
});

/** How one trigger is, field by field. */
export function fieldsOf(one: TriggerStatusWire): (readonly [string, string | null])[] {
  const { lastRun, runs, lastSkip, hold, fallingBehind: behind } = one;
  const zone = one.zone === null ? '' : ` ${one.zone}`;
  return [
    ['trigger', `${one.workflow}/${one.trigger}${one.type === one.trigger ? '' : ` (${one.type})`}`],
    ['state', one.overdue ? `${one.state}, overdue` : one.state],
    ['held', hold ? `since ${hold.at} ${byWhom(hold)}` : null],
    ...one.next.map(({ local }, n): [string, string] => [n === 0 ? 'next' : '', `${local}${zone}`]),
    ['last run', lastRun === null ? 'never' : lastRunText(lastRun)],
    ['success', runs.successRate === null ? null : `${percent(runs.successRate)} of the last ${runs.count}`],
    ['takes', runs.meanDurationMs === null ? null : takesText(runs)],
    ['cost today', runs.costTodayMicros ? `$${(runs.costTodayMicros / 1e6).toFixed(4)}` : null],
    ...(runs.checks ?? []).map((check): [string, string] => [`check ${check.name}`, checkText(check)]),
    ['why not', one.why],
    [
      'last skip',
      lastSkip === null ? null : `${lastSkip.at} ${lastSkip.reason} ${detailsText(lastSkip.details)}`.trim(),
    ],
    [
      'falls behind',
      behind === null
        ? null
        : `${behind.skipped} of the last ${behind.of} were skipped; it takes ${spanOf(behind.medianDurationMs)}, every ${spanOf(behind.medianIntervalMs)}`,
    ],
  ];
}

function lastRunText(run: NonNullable<TriggerStatusWire['lastRun']>): string {
  const task = run.taskId === null ? '' : ` task ${shortId(run.taskId)}`;
  return `${run.at}${task} ${run.status ?? ''}${run.durationMs === null ? '' : ` in ${span(run.durationMs)}`}`;
}

/** Who holds something, and why. */
export function byWhom({ scope, name, by, reason }: HoldWire): string {
  const what =
    scope === 'all' ? ', with everything' : scope === 'trigger' ? '' : `, with ${scope} ${name ?? ''}`;
  return `by ${by === 'system' ? by : shortId(by)}${what}${reason === '' ? '' : `: ${reason}`}`;
}

function takesText({ meanDurationMs, p95DurationMs }: TriggerStatusWire['runs']): string {
  const slow = p95DurationMs == null ? '' : `, 19 of 20 at most ${span(p95DurationMs)}`;
  return `${spanOf(meanDurationMs)} on average${slow}`;
}

/** A check of a decision: its limit, and what of it was used. */
export function checkText(check: { readonly passed: boolean; readonly [more: string]: unknown }): string {
  const { passed, value, limit, reason } = check;
  const words = [
    passed ? 'passed' : 'did not pass',
    usedText(value ?? null, limit ?? null),
    typeof reason === 'string' ? `(${reason})` : '',
  ];
  return words.filter((word) => word !== '').join(' ');
}

/** `3 of 40`; where nothing is counted, the limit alone. */
function usedText(value: unknown, limit: unknown): string {
  const [used, most] = [value, limit].map((one) => {
    if (one === null) return '';
    return typeof one === 'object' ? JSON.stringify(one) : String(one);
  });
  if (!most) return used ?? '';
  return used ? `${used} of ${most}` : `(limit ${most})`;
}

const percent = (rate: number) => `${Math.round(rate * 100)} %`;
const spanOf = (ms: number | null) => (ms === null ? 'unknown time' : span(ms));
