import type { Occurrence, TaskTemplate } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { endWordsOf, type Origin } from './end-words.ts';
import { refusalOf, taskFields } from './fire.ts';
import type { Ended } from './follow-end.ts';
import { refOfEvent } from './github-origin.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { recordOccurrence } from './record-occurrence.ts';
import { submitTaskIn } from './submit.ts';

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
  const { triggerId, workflowId, workflowVersion, eventId } = origin.occurrence;
  // a task that a hook made has an occurrence, but no trigger
  if (task.triggerId === null) return;
  const version = await tx.workflowVersion(workflowId, workflowVersion);
  if (version === null) return;
  const { onError, onComplete, name } = version.definition;
  const hook = hookFor(task.status, { onError, onComplete });
  if (hook === null) return;
  const key = `${hook.kind}:${task.id}`;
  if ((await tx.occurrence(triggerId, key)) !== null) return;
  const about = { id: parts.random.uuid7(now), triggerId, key, workflowId, workflowVersion, eventId };
  const times = { nominalAt: now, effectiveAt: now, decidedAt: now };
  const occurrence = {
    ...{ ...about, ...times, source: 'task-end' as const, actor: systemCaller.actor },
    details: { of: task.id, depth },
  };
  const session = origin.occurrence.source === 'github' ? await tx.session(task.sessionId) : null;
  const event = origin.event ?? undefined;
  const newTask = {
    ...taskFields(hook.template, `${name} ${hook.kind}`),
    ...(session === null ? {} : refOfEvent(event, { template: hook.template, session })),
    sessionId: task.sessionId,
    parameters: { ...hook.template.parameters, ...endWordsOf(task, origin) },
  };
  const trigger = (await tx.trigger(triggerId))?.name ?? null;
  const record = (made: Occurrence) =>
    recordOccurrence(tx, parts, { occurrence: made, workflow: name, trigger });
  const idempotencyKey = `trigger:${triggerId}:${key}`;
  try {
    const made = await submitTaskIn(tx, { parts, caller: systemCaller, newTask, now, idempotencyKey });
    const ran = { decision: 'run', reason: hook.reason, taskId: made.task.id } as const;
    await record({ ...occurrence, ...ran });
  } catch (error) {
    const reason = refusalOf(error);
    if (reason === null) throw error;
    await record({ ...occurrence, decision: 'skipped', reason, taskId: null });
  }
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
