/** What is on record about a task, for people: why it was made, what it cost, and how its attempts went. */
import type { AttemptWire } from '../../../internal/api/client/attempts.ts';
import type { CostsWire } from '../../../internal/api/governance-shapes.ts';
import type { TaskWire } from '../../../internal/api/shapes.ts';
import type { TaskOccurrenceWire } from '../../../internal/api/workflow-shapes.ts';
import { span } from './print.ts';
import { checkText } from './trigger-status.ts';
import { usageFields } from './usage-fields.ts';

type Fields = (readonly [string, string | null])[];

/** Attempts that are shown one by one; the newest. */
const shownAttempts = 5;

/** Why a task was made; nothing for one that no trigger made. */
export function decisionFields(occurrence: TaskOccurrenceWire | null): Fields {
  if (occurrence === null) return [];
  const { workflow, workflowVersion, trigger, source, reason, nominalAt, details } = occurrence;
  const checks = Array.isArray(details.checks) ? (details.checks as Parameters<typeof checkText>[0][]) : [];
  return [
    ['workflow', `${workflow}, version ${workflowVersion}`],
    ['fired by', `${trigger === '' ? source : trigger} for ${nominalAt} (${reason})`],
    ['action', typeof details.mode === 'string' ? details.mode : null],
    ...checks.map((check): [string, string] => [`check ${String(check.name)}`, checkText(check)]),
  ];
}

/** What a task paid for; nothing when it said nothing. */
export function costFields(costs: CostsWire | null): Fields {
  if (costs === null || costs.entries === 0) return [];
  const { models = [] } = costs;
  const named = models.filter(({ model }) => model !== '');
  return [
    ['cost', costText(costs)],
    ...(models.length > 1 ? named : []).map((one): [string, string] => [`cost ${one.model}`, costText(one)]),
    ['model', models.length === 1 ? (named[0]?.model ?? null) : null],
  ];
}

function costText({ amount, entries, tokensIn, tokensOut }: Omit<CostsWire, 'currency'>): string {
  const tokens = tokensIn + tokensOut === 0 ? '' : `, ${tokensIn} tokens in, ${tokensOut} out`;
  return `$${amount} in ${entries} ${entries === 1 ? 'call' : 'calls'}${tokens}`;
}

/** How the attempts of a task went, and what each used. @param attempts  oldest first; null = nobody can tell */
export function attemptFields(
  task: Pick<TaskWire, 'usage'>,
  attempts: readonly AttemptWire[] | null,
): Fields {
  if (attempts === null || attempts.length < 2) return usageFields(task.usage);
  const shown = attempts.slice(-shownAttempts);
  const left = attempts.length - shown.length;
  return [
    ['earlier attempts', left === 0 ? null : `${left}, not shown; --json has them`],
    ...shown.flatMap(
      (one): Fields => [
        [`attempt ${one.number}`, endText(one)],
        ...usageFields(one.usage ?? null).map(([name, value]): [string, string | null] => [
          `  ${name}`,
          value,
        ]),
      ],
    ),
  ];
}

function endText(attempt: AttemptWire): string {
  const { state, agentId, startedAt, finishedAt, exitCode, signal, endReason } = attempt;
  const end = signal ?? (exitCode == null ? null : `exit code ${exitCode}`);
  const tookMs = startedAt && finishedAt ? Date.parse(finishedAt) - Date.parse(startedAt) : null;
  return [
    state,
    ...(end === null ? [] : [end]),
    ...(endReason == null ? [] : [endReason]),
    ...(tookMs === null ? [] : [`in ${span(Math.max(0, tookMs))}`]),
    ...(agentId === '' ? [] : [`on agent ${agentId}`]),
  ].join(', ');
}
