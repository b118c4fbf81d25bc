import type { Occurrence, TaskTemplate } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { endWordsOf, type Origin } from './end-words.ts';
import type { Ended } from './follow-end.ts';
import { submitFollowUp } from './follow-up.ts';
import { refOfEvent } from './github-origin.ts';
import type { SessionParts } from './parts.ts';
import { taskFields } from './task-fields.ts';

/**
 * Runs what the workflow of a task, as it was when it made the task, wants to be run after it: `onError` after a failure,
 * `onComplete` after a success, each once for a task. The hook runs in the task's session, belongs to no trigger, and so
 * has no hooks of its own. A session that is closed meanwhile is on record as the reason why it did not run.
 */
export async function runHook(
  tx: Transaction,
  parts: SessionParts,
  { task, now, origin, depth }: Ended & { readonly origin: Origin },
): Promise<void> {
  const { triggerId, workflowId, workflowVersion } = origin.occurrence;
  // a task that a hook made has an occurrence, but no trigger
  if (task.triggerId === null) return;
  const version = await tx.workflowVersion(workflowId, workflowVersion);
  if (version === null) return;
  const { onError, onComplete, name } = version.definition;
  const hook = hookFor(task.status, { onError, onComplete });
  if (hook === null) return;
  const key = `${hook.kind}:${task.id}`;
  if ((await tx.occurrence(triggerId, key)) !== null) return;
  const session = origin.occurrence.source === 'github' ? await tx.session(task.sessionId) : null;
  const event = origin.event ?? undefined;
  const newTask = {
    ...taskFields(hook.template, `${name} ${hook.kind}`),
    ...(session === null ? {} : refOfEvent(event, { template: hook.template, session })),
    sessionId: task.sessionId,
    parameters: { ...hook.template.parameters, ...endWordsOf(task, origin) },
  };
  const { reason } = hook;
  const details = { of: task.id, depth };
  await submitFollowUp(tx, parts, { origin, key, workflow: name, details, now, newTask, reason });
}

interface Hook {
  readonly kind: 'on-error' | 'on-complete';
  readonly reason: Extract<Occurrence['reason'], 'on_error' | 'on_complete'>;
  readonly template: TaskTemplate;
}

function hookFor(
  status: string,
  {
    onError,
    onComplete,
  }: { readonly onError: TaskTemplate | null; readonly onComplete: TaskTemplate | null },
): Hook | null {
  if (status === 'FAILED' && onError !== null)
    return { kind: 'on-error', reason: 'on_error', template: onError };
  if (status === 'COMPLETED' && onComplete !== null)
    return { kind: 'on-complete', reason: 'on_complete', template: onComplete };
  return null;
}
