/** The gates before a run, inside the transaction that makes its task: what they let pass they also use up. */
import { UnavailableError } from '../domain/errors.ts';
import type { WorkflowHistory } from '../domain/governance.ts';
import type { Check, DecisionMode, ScopedPolicy } from '../domain/policy.ts';
import type { Session } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import { beginProbe } from '../governance/breaker.ts';
import { runCap } from '../governance/cost.ts';
import { judge, type Verdict } from '../governance/judge.ts';
import { strictestBreaker } from '../governance/strictest.ts';
import { chooseMode } from '../governance/weight.ts';
import type { Transaction } from '../store/store.ts';
import type { Firing } from './fire.ts';
import type { SessionParts } from './parts.ts';
import { lockPolicies, policiesOf } from './policies-of.ts';
import { readHistory, startOf } from './run-history.ts';

/** What runs the tasks of workflows. */
const executor = 'local';

/** Which action a time goes to; null = the workflow has only one. */
export function modeOf({
  workflow,
  trigger,
  key,
}: Pick<Firing, 'workflow' | 'trigger' | 'key'>): DecisionMode | null {
  const { fallback } = workflow.definition;
  if (!fallback) return null;
  // an instant is known by itself, everything else by its key
  return chooseMode(trigger.id, key.replace(/^at:/, ''), fallback.migrationWeight);
}

/** The policies that a firing meets. */
export interface Governed {
  readonly policies: readonly ScopedPolicy[];
  readonly session: Session | null;
}

/** Finds the policies of a firing; null when there are none: then nothing is asked and nothing is counted. */
export async function governedBy(
  tx: Transaction,
  parts: SessionParts,
  { workflow }: Pick<Firing, 'workflow'>,
): Promise<Governed | null> {
  const session = await tx.sessionByName(workflow.definition.session);
  const policies = await policiesOf(tx, parts, { workflow, session });
  return policies.length === 0 ? null : { policies, session };
}

/** A firing that was judged. */
export interface Judged extends Governed {
  readonly verdict: Verdict;
  readonly row: WorkflowHistory | null;
}

/** Judges a firing; nobody else counts for the same policies until the transaction ends. */
export async function judgeRun(
  tx: Transaction,
  {
    firing,
    governed,
    overlap,
  }: { readonly firing: Firing; readonly governed: Governed; readonly overlap: Check | null },
): Promise<Judged> {
  const { workflow, now } = firing;
  const { policies, session } = governed;
  if (session !== null) await tx.lockSession(session.id);
  await lockPolicies(tx, policies, workflow.id);
  const about = { policies, workflowId: workflow.id, sessionId: session?.id ?? null, now };
  const { history, row } = await readHistory(tx, about);
  const repository = session === null ? (workflow.definition.repository?.url ?? null) : session.repositoryUrl;
  const verdict = judge({
    policies,
    now,
    startAt: startOf(firing),
    isForced: firing.isForced ?? false,
    isBreakerAsked: modeOf(firing) !== 'classic',
    repository,
    executor,
    approved: firing.approved ?? [],
    overlap,
    history,
  });
  return { ...governed, verdict, row };
}

/** Uses up what a run takes of its limits, once its task is there. @throws {UnavailableError} KERUTA_ERR_GOVERNANCE_UNAVAILABLE */
export async function useLimits(
  tx: Transaction,
  judged: Judged,
  run: { readonly firing: Firing; readonly task: Task },
): Promise<void> {
  const { firing, task } = run;
  const { now, workflow } = firing;
  const { verdict, policies, row } = judged;
  const estimate = verdict.estimateMicro ?? 0;
  for (const { key, kind, limit } of verdict.windows) {
    const amount = kind === 'runs' ? 1 : estimate;
    if (!(await tx.takeFromCounter({ key, amount, limit, now }))) throw meanwhile(workflow.name);
  }
  await reserve(tx, judged, { ...run, estimate });
  if (row === null) return;
  const rule = strictestBreaker(policies);
  // one that no policy asks for any more is forgotten
  const state = rule === null ? null : (verdict.breaker ?? row.breaker);
  const isProbe = rule !== null && state !== null && verdict.isProbe;
  const breaker = isProbe ? beginProbe(rule, state, { taskId: task.id, now }) : state;
  const started = { ...row, lastStartAt: startOf(firing), breaker, version: row.version + 1 };
  if (!(await tx.putWorkflowHistory(started))) throw meanwhile(workflow.name);
}

async function reserve(
  tx: Transaction,
  { verdict, policies }: Judged,
  { firing, task, estimate }: { readonly firing: Firing; readonly task: Task; readonly estimate: number },
): Promise<void> {
  const windows = verdict.windows
    .filter(({ kind }) => kind === 'cost')
    .map(({ key, limit }) => ({ key, limitMicro: limit }));
  const capMicro = runCap(policies);
  if (windows.length === 0 && capMicro === null) return;
  await tx.putReservation({
    ...{
      taskId: task.id,
      workflowId: firing.workflow.id,
      heldMicro: estimate,
      spentMicro: 0,
      capMicro,
      windows,
    },
    ...{ state: 'held', createdAt: firing.now, warnedAt: null, exceededAt: null },
  });
}

/** Somebody who did not wait for the policies' lock got in between. */
function meanwhile(workflow: string): UnavailableError {
  return new UnavailableError(
    'KERUTA_ERR_GOVERNANCE_UNAVAILABLE',
    `The limits of workflow ${workflow} changed while they were looked at; try again.`,
  );
}
