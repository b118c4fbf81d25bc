import type { Task } from '../domain/task.ts';
import type { Occurrence } from '../domain/workflow.ts';
import { limitWindows } from '../governance/limit-window.ts';
import type { Transaction } from '../store/store.ts';
import { endWordsOf, type Origin } from './end-words.ts';
import { refusalOf, taskFields } from './fire.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { policiesOf } from './policies-of.ts';
import { type NamedOccurrence, recordOccurrence } from './record-occurrence.ts';
import { submitTaskIn } from './submit.ts';

/**
 * Runs the classic script after the agent's action, as the workflow said when it made the task: after its last attempt failed,
 * or after any end that nobody asked for. Once for a task; its own failure begets no other. It counts as a run for the limits
 * of runs, and not for the breaker, which is the agent's.
 *
 * @returns whether it runs: then what follows waits for it
 */
export async function runFallback(
  tx: Transaction,
  parts: SessionParts,
  ended: { readonly task: Task; readonly now: number; readonly origin: Origin },
): Promise<boolean> {
  const { task, now, origin } = ended;
  const { occurrence } = origin;
  if (occurrence.details.mode !== 'agent' || task.triggerId === null) return false;
  const version = await tx.workflowVersion(occurrence.workflowId, occurrence.workflowVersion);
  const fallback = version?.definition.fallback ?? null;
  if (version === null || fallback === null || !isWanted(fallback.strategy, task.status)) return false;
  const key = `fallback:${task.id}`;
  if ((await tx.occurrence(occurrence.triggerId, key)) !== null) return false;
  const row = rowOf(parts, { ...ended, key });
  const used = await useRuns(tx, parts, ended);
  if (!used) {
    await recordOccurrence(
      tx,
      parts,
      await named(tx, { ...row, decision: 'skipped', reason: 'run_limit', taskId: null }),
    );
    return false;
  }
  const newTask = {
    ...taskFields(fallback.task, version.definition.name),
    sessionId: task.sessionId,
    parameters: { ...fallback.task.parameters, ...endWordsOf(task, origin) },
    triggerId: task.triggerId,
  };
  const idempotencyKey = `trigger:${occurrence.triggerId}:${key}`;
  try {
    const made = await submitTaskIn(tx, { parts, caller: systemCaller, newTask, now, idempotencyKey });
    await recordOccurrence(
      tx,
      parts,
      await named(tx, { ...row, decision: 'run', reason: 'fallback', taskId: made.task.id }),
    );
    return true;
  } catch (error) {
    const reason = refusalOf(error);
    if (reason === null) throw error;
    await recordOccurrence(tx, parts, await named(tx, { ...row, decision: 'skipped', reason, taskId: null }));
    return false;
  }
}

function isWanted(strategy: string, status: string): boolean {
  if (strategy === 'never') return false;
  return status === 'FAILED' || (strategy === 'always' && status === 'COMPLETED');
}

function rowOf(
  parts: SessionParts,
  about: { readonly task: Task; readonly now: number; readonly origin: Origin; readonly key: string },
): Omit<Occurrence, 'decision' | 'reason' | 'taskId'> {
  const { task, now, origin, key } = about;
  const { triggerId, workflowId, workflowVersion, eventId, details } = origin.occurrence;
  const depth = typeof details.depth === 'number' ? { depth: details.depth } : {};
  return {
    ...{ id: parts.random.uuid7(now), triggerId, key, workflowId, workflowVersion, eventId },
    ...{ nominalAt: now, effectiveAt: now, decidedAt: now },
    ...{ source: 'task-end', actor: systemCaller.actor },
    details: { of: task.id, mode: 'fallback', ...depth },
  };
}

/** Takes one run of each limit of runs. @returns false when one of them has none left: nothing was taken */
async function useRuns(
  tx: Transaction,
  parts: SessionParts,
  { task, now, origin }: { readonly task: Task; readonly now: number; readonly origin: Origin },
): Promise<boolean> {
  const workflow = await tx.workflow(origin.occurrence.workflowId);
  if (workflow === null) return true;
  const session = await tx.session(task.sessionId);
  const policies = await policiesOf(tx, parts, { workflow, session });
  const windows = limitWindows(policies, now).filter(({ kind }) => kind === 'runs');
  for (const [at, { key, limit }] of windows.entries()) {
    if (await tx.takeFromCounter({ key, amount: 1, limit, now })) continue;
    for (const { key: taken } of windows.slice(0, at)) await tx.addToCounter({ key: taken, amount: -1, now });
    return false;
  }
  return true;
}

async function named(tx: Transaction, occurrence: Occurrence): Promise<NamedOccurrence> {
  const workflow = await tx.workflow(occurrence.workflowId);
  const trigger = await tx.trigger(occurrence.triggerId);
  return { occurrence, workflow: workflow?.name ?? null, trigger: trigger?.name ?? null };
}
