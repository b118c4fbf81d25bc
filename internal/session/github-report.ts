/**
 * What GitHub is told of the tasks that it fired. It is written down in the transaction that makes or ends the task, and told
 * by `report-loop`.
 */
import type { Task } from '../domain/task.ts';
import type { Trigger, TriggerEvent, Workflow } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { githubShape } from '../trigger/github/github-spec.ts';
import { githubDataOf } from './github-origin.ts';
import type { SessionParts } from './parts.ts';
import { endWish, lostWish, pendingWish } from './report-words.ts';

/** Writes down that a task which was just made is to be reported, when its trigger says so and there is an App. */
export async function beginReport(
  tx: Transaction,
  { github }: Pick<SessionParts, 'github'>,
  made: {
    readonly trigger: Trigger;
    readonly workflow: Workflow;
    readonly event: TriggerEvent | undefined;
    readonly task: Task;
    /** epoch ms */
    readonly now: number;
  },
): Promise<void> {
  const { trigger, workflow, event, task, now } = made;
  if (trigger.type !== 'github' || !github?.app || event === undefined) return;
  const spec = githubShape.safeParse(trigger.definition.spec);
  const data = githubDataOf(event);
  if (!spec.success || data === null) return;
  const { report } = spec.data;
  const { number, isPull } = data;
  const { id, fullName } = data.repository;
  const sha = report.includes('status') ? data.sha : null;
  const thread = report.includes('comment') && number !== null ? { number, isPull } : null;
  if (sha === null && thread === null) return;
  const context = contextOf(workflow, trigger);
  const targetUrl = github.publicUrl === null ? null : `${github.publicUrl}/api/v1/tasks/${task.id}`;
  await tx.insertReport({
    taskId: task.id,
    target: { repository: { id, fullName }, sha, thread, context, targetUrl },
    lane: sha === null ? `task ${task.id}` : `${id ?? fullName.toLowerCase()} ${sha} ${context}`,
    wish: pendingWish,
    ...{ version: 1, tries: 0, takenUntil: 0, error: null, createdAt: task.createdAt, wishedAt: now },
    dueAt: sha === null ? null : now,
  });
  tx.notify('reports');
}

/** Writes down how a task ended, or that it was lost, when it is reported at all. */
export async function endReport(
  tx: Transaction,
  { task, now }: { readonly task: Task; readonly now: number },
): Promise<void> {
  const report = task.triggerId === null ? null : await tx.report(task.id);
  if (report === null) return;
  const { targetUrl, thread, sha } = report.target;
  const isLost = task.status === 'LOST';
  if (isLost && sha === null) return;
  const occurrence = await tx.occurrenceOfTask(task.id);
  const workflow = occurrence === null ? null : await tx.workflow(occurrence.workflowId);
  const about = { workflow: workflow?.name ?? task.name, targetUrl, isCommented: thread !== null };
  await tx.wishReport(task.id, isLost ? lostWish : endWish(task, about), now);
  tx.notify('reports');
}

/** The only trigger of its kind needs no name beside that of its workflow. */
function contextOf({ name }: Workflow, trigger: Trigger): string {
  return trigger.name === trigger.type ? `keruta/${name}` : `keruta/${name}/${trigger.name}`;
}
