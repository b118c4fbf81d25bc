/** What a report says about a task. Pure. */
import { fenced } from '../../pkg/markdown/markdown.ts';
import { formatDuration } from '../domain/duration.ts';
import type { ReportState, ReportWish } from '../domain/report.ts';
import type { Task } from '../domain/task.ts';

/** Characters of what a task says of itself in a comment. */
const maxMessage = 4_000;

/** What is told while a task waits and runs. */
export const pendingWish: ReportWish = {
  state: 'pending',
  description: 'Waits for its turn, or runs',
  comment: null,
};

/** What is told of a task whose agent nobody hears of; should it come back, its end is told too. */
export const lostWish: ReportWish = {
  state: 'error',
  description: 'Lost: nothing has been heard of its agent',
  comment: null,
};

/**
 * What is told of a task that has ended.
 * @param about.workflow  its name
 * @param about.targetUrl  null = no link
 * @param about.isCommented  whether a comment is wanted
 */
export function endWish(
  task: Task,
  about: { readonly workflow: string; readonly targetUrl: string | null; readonly isCommented: boolean },
): ReportWish {
  const state = stateOf(task);
  const facts = factsOf(task);
  const description = [headOf(task), ...facts].join(', ');
  return { state, description, comment: about.isCommented ? commentOf(task, { ...about, facts }) : null };
}

function stateOf({ status }: Task): ReportState {
  if (status === 'COMPLETED') return 'success';
  return status === 'FAILED' ? 'failure' : 'error';
}

function headOf({ status }: Task): string {
  if (status === 'COMPLETED') return 'Succeeded';
  return status === 'FAILED' ? 'Failed' : 'Cancelled';
}

function factsOf({ status, exitCode, signal, reason, attempt, usage }: Task): readonly string[] {
  const ends = [
    ...(reason === null ? [] : [reason.replaceAll('_', ' ')]),
    ...(exitCode === null ? [] : [`exit code ${exitCode}`]),
    ...(signal === null ? [] : [signal]),
  ];
  return [
    ...(status === 'FAILED' ? ends : []),
    ...(usage === null ? [] : [`in ${formatDuration(usage.durationMs)}`]),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
  ];
}

function commentOf(
  task: Task,
  about: {
    readonly workflow: string;
    readonly targetUrl: string | null;
    readonly facts: readonly string[];
  },
): string {
  const { workflow, targetUrl, facts } = about;
  const end = [headOf(task).toLowerCase(), ...facts].join(', ');
  const lines = [`Workflow \`${workflow}\`: **${end}**`];
  const message = task.message.slice(0, maxMessage).trim();
  if (message !== '') lines.push('', ...fenced(message));
  lines.push('', targetUrl === null ? `Task ${task.id}` : `[Task ${task.id}](${targetUrl})`);
  return lines.join('\n');
}

/** What marks a comment, so that it is found again when nobody knows whether it was written. */
export function markOf({ taskId, version }: { readonly taskId: string; readonly version: number }): string {
  return `<!-- keruta ${taskId} ${version} -->`;
}
