/** What a task came to, in words: for programs, and for people. Pure. */
import { visible } from '../../pkg/terminal/text.ts';
import { formatDuration } from '../domain/duration.ts';
import { currency, formatMoney } from '../domain/money.ts';
import type { RunnerResult } from './runner.ts';

/**
 * The answer of `--json`. Fields are only ever added; what is not known is null. Durations are seconds with three decimals, the cost is
 * a text of dollars.
 */
export function resultJson(result: RunnerResult): Record<string, unknown> {
  const { usage, tests, phases, artifacts } = result;
  return {
    success: result.success,
    error: result.error,
    task_id: result.taskId,
    artifacts: artifacts.map(({ type, name, uri, sizeBytes }) => ({
      type,
      name,
      uri,
      size_bytes: sizeBytes,
    })),
    llm_model: usage?.model ?? null,
    tokens_used: usage === null ? null : usage.tokensIn + usage.tokensOut,
    usage: usage && {
      calls: usage.calls,
      tokens_in: usage.tokensIn,
      tokens_out: usage.tokensOut,
      cost_usd: usage.costMicros === null ? null : formatMoney(usage.costMicros),
    },
    duration_seconds: seconds(result.durationMs),
    memory_mb: result.memoryMb,
    cpu_percent: result.cpuPercent,
    branch: result.branch,
    commit: result.commit,
    pushed: result.isPushed,
    pull_request_url: result.pullRequestUrl,
    changes: result.changes,
    tests: tests && {
      ...{ command: tests.command, passed: tests.passed, rounds: tests.rounds },
      ...{ tests: tests.report?.tests ?? null, failed: tests.report?.failed ?? null },
      skipped: tests.report?.skipped ?? null,
    },
    phases: phases.map(({ phase, outcome, message, durationMs }) => ({
      ...{ phase, outcome, message, duration_seconds: seconds(durationMs) },
    })),
  };
}

/** More details of an error are counted, not shown. */
const maxDetails = 20;

/** A few lines, the first of which says it all; without the end of the last one. Nothing in them steers a terminal. */
export function resultText(result: RunnerResult): string {
  const { error, artifacts } = result;
  const time = formatDuration(Math.max(1000, Math.round(result.durationMs / 1000) * 1000));
  const head =
    error === null ? `done in ${time}` : `failed after ${time}: ${error.kind}: ${visible(error.message)}`;
  const rows: readonly (readonly [string, string | null])[] = [
    ...resultFields(result),
    ...artifacts.map(({ type, uri }) => [type, uri] as const),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const lines = rows.flatMap(([name, text]) => (text ? [`  ${name.padEnd(width)}${visible(text)}`] : []));
  return [head, ...detailLines(result), ...lines].join('\n');
}

/** What came of a task, a name and a text each; null = there is none of it. */
export function resultFields(result: RunnerResult): readonly (readonly [string, string | null])[] {
  const { branch, commit, pullRequestUrl, isPushed } = result;
  return [
    ['phases', phasesText(result)],
    ['branch', branch && `${branch}, ${isPushed ? 'pushed' : 'not pushed'}`],
    ['commit', commit && `${commit.slice(0, 12)}${changesText(result)}`],
    ['review', pullRequestUrl],
    ['tests', testsText(result)],
    ['agent', usageText(result)],
  ];
}

function detailLines({ error }: RunnerResult): readonly string[] {
  const { details } = error ?? { details: [] };
  const rest = details.length - maxDetails;
  return [
    ...details.slice(0, maxDetails).map((line) => `  - ${visible(line)}`),
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
  ];
}

function phasesText({ phases }: RunnerResult): string {
  return phases
    .map(({ phase, outcome }) => (outcome === 'done' ? phase : `${phase} (${outcome})`))
    .join(', ');
}

function changesText({ changes }: RunnerResult): string {
  if (changes === null) return '';
  const { files, insertions, deletions } = changes;
  return `, ${files} ${files === 1 ? 'file' : 'files'}, +${insertions} -${deletions}`;
}

function testsText({ tests }: RunnerResult): string | null {
  if (tests === null) return null;
  const { command, passed, rounds, report } = tests;
  const counts = report && `, ${report.failed} of ${report.tests} failed, ${report.skipped} skipped`;
  const again = rounds > 1 ? `, ${rounds} rounds` : '';
  return `${command}: ${passed ? 'passed' : 'failed'}${counts ?? ''}${again}`;
}

function usageText({ usage }: RunnerResult): string | null {
  if (usage === null) return null;
  const { model, calls, tokensIn, tokensOut, costMicros } = usage;
  // a program that tells nothing of what it used
  if (calls === 0 && tokensIn + tokensOut === 0) return model;
  const cost = costMicros === null ? '' : `, ${formatMoney(costMicros)} ${currency}`;
  return `${model ?? 'model not known'}, ${calls} ${calls === 1 ? 'call' : 'calls'}, ${tokensIn} tokens in, ${tokensOut} out${cost}`;
}

const seconds = (ms: number) => Math.round(ms) / 1000;
