import { isDeepStrictEqual } from 'node:util';
import type { Task } from '../domain/task.ts';
import type { TaskTemplate } from '../domain/workflow.ts';
import { limitWindows } from '../governance/limit-window.ts';
import type { Transaction } from '../store/store.ts';
import { endWordsOf, type Origin } from './end-words.ts';
import { recordFollowUp, submitFollowUp } from './follow-up.ts';
import type { SessionParts } from './parts.ts';
import { policiesOf } from './policies-of.ts';
import { taskFields } from './task-fields.ts';

/**
 * Runs the classic script after the agent's action, as the workflow said when it made the task: after its last attempt failed,
 * or after any end that nobody asked for. Once for a task; its own failure begets no other. It does the agent's work: what fired
 * that, with its parameters and its time, it is given too. It counts as a run for the limits of runs, and not for the breaker,
 * which is the agent's.
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
  const workflow = version.definition.name;
  const depth = typeof occurrence.details.depth === 'number' ? { depth: occurrence.details.depth } : {};
  const details = { of: task.id, mode: 'fallback', ...depth };
  const { nominalAt } = occurrence;
  const followUp = { origin, key, workflow, details, nominalAt, now };
  if (!(await useRuns(tx, parts, ended))) {
    const skipped = { decision: 'skipped', reason: 'run_limit', taskId: null } as const;
    await recordFollowUp(tx, parts, { ...followUp, ...skipped });
    return false;
  }
  const newTask = {
    ...taskFields(fallback.task, workflow),
    sessionId: task.sessionId,
    parameters: {
      ...fallback.task.parameters,
      ...givenTo(task, version.definition.run),
      ...endWordsOf(task, origin),
    },
    triggerId: task.triggerId,
  };
  return submitFollowUp(tx, parts, { ...followUp, newTask, reason: 'fallback' });
}

/** The parameters that came with what fired a task, as far as the workflow did not say the same. */
function givenTo({ parameters }: Task, template: TaskTemplate): Readonly<Record<string, unknown>> {
  const given = Object.entries(parameters).filter(
    ([name, value]) => !isDeepStrictEqual(template.parameters[name], value),
  );
  return Object.fromEntries(given);
}

function isWanted(strategy: string, status: string): boolean {
  if (strategy === 'never') return false;
  return status === 'FAILED' || (strategy === 'always' && status === 'COMPLETED');
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
