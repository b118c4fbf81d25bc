/** A year on one page: what each workflow did, why it did not, what it cost, and what to do about it. */
import { formatMoney } from '../../../../internal/domain/money.ts';
import { compareWorkflow } from '../../../../internal/session/migrate-workflow.ts';
import { dayMs, type Office } from './office.ts';
import { plans } from './plan.ts';
import type { Totals } from './recount.ts';

/** Of the runs of a side that says less than this nothing is concluded. */
const leastRuns = 20;

/** Writes it. @param about.reasons  by workflow, why something did not run, and how often */
export async function reportOf(
  office: Office,
  about: {
    readonly totals: ReadonlyMap<string, Totals>;
    readonly reasons: ReadonlyMap<string, Readonly<Record<string, number>>>;
    readonly days: number;
  },
): Promise<string> {
  const { totals, reasons, days } = about;
  const sum = (field: keyof Totals) => [...totals.values()].reduce((all, one) => all + one[field], 0);
  const lines = [
    `# ${days} days: ${sum('decided')} times decided, ${sum('attempts')} attempts, ${formatMoney(sum('micro'))} dollars`,
    `${office.outages} outages, ${office.lost} agents lost, ${office.book.ends.length} ends.`,
    '',
    '| workflow | decided | ran well | failed | cancelled | did not run | dollars | what to do |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
  ];
  for (const { name, workflow } of plans) {
    const one = totals.get(name);
    if (one === undefined) continue;
    const why = Object.entries(reasons.get(name) ?? {})
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, 3)
      .map(([reason, count]) => `${reason} ${count}`);
    const cells = [
      ...[name, one.decided, one.succeeded + one.fallbacks, one.failed, one.cancelled],
      ...[why.join(', ') || '–', formatMoney(one.micro)],
      await adviceOf(office, { name, hasFallback: Boolean(workflow.fallback), one }),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

/** What somebody who reads the numbers would do. */
async function adviceOf(
  office: Office,
  { name, hasFallback, one }: { name: string; hasFallback: boolean; one: Totals },
): Promise<string> {
  const opened = office.book.breakers.get(name)?.opened ?? 0;
  const breaker = opened > 0 ? `breaker opened ${opened} times: see \`keruta trigger history ${name}\`` : '';
  if (!hasFallback) return breaker || (one.failed > one.succeeded ? 'mend it, or stop it' : 'nothing');
  const { sides, weight } = await compareWorkflow(office.parts, {
    workflow: name,
    since: office.now - 90 * dayMs,
  });
  const [agent, classic] = ['agent', 'classic'].map((mode) => sides.find((side) => side.mode === mode));
  const rates = `agent ${percent(agent?.successRate)}, classic ${percent(classic?.successRate)}`;
  if ((agent?.runs ?? 0) < leastRuns || weight === null)
    return [breaker, `${rates}: wait`].filter(Boolean).join('; ');
  const isGood = (agent?.successRate ?? 0) >= (classic?.successRate ?? 0.9) - 0.05;
  const step = isGood
    ? weight < 1
      ? `raise it: \`keruta workflow migrate ${name} --weight ${Math.min(1, weight + 0.25)}\``
      : 'retire the classic script'
    : `roll back: \`keruta workflow migrate ${name} --rollback\``;
  return [breaker, `${rates}: ${step}`].filter(Boolean).join('; ');
}

const percent = (rate: number | null | undefined) =>
  rate === null || rate === undefined ? '–' : `${Math.round(rate * 100)} %`;
