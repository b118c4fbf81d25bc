/** What the end of a governed run changes: its reservation, the breaker of its workflow, and when it last succeeded. */
import type { Reservation } from '../domain/governance.ts';
import type { BreakerRule, BreakerState } from '../domain/policy.ts';
import type { Task } from '../domain/task.ts';
import type { Occurrence, Workflow } from '../domain/workflow.ts';
import { closedBreaker, countRun } from '../governance/breaker.ts';
import { strictestBreaker } from '../governance/strictest.ts';
import type { Transaction } from '../store/store.ts';
import { recordAct } from './append-ledger.ts';
import { announceBreaker } from './notify/announce-waits.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { lockPolicies, policiesOf } from './policies-of.ts';
import { historyRow } from './run-history.ts';

/** Settles a task that is at its end, inside the transaction that ends it. One without policies is left alone. */
export async function settleRun(
  tx: Transaction,
  parts: SessionParts,
  ended: {
    readonly task: Task;
    readonly now: number;
    readonly occurrence: Occurrence | null;
    /** of the occurrence */
    readonly workflow: Workflow | null;
  },
): Promise<void> {
  const { task, now, occurrence, workflow } = ended;
  await releaseReservation(tx, task.id, now);
  if (occurrence === null || task.triggerId === null || workflow === null) return;
  const session = await tx.session(task.sessionId);
  const policies = await policiesOf(tx, parts, { workflow, session });
  if (policies.length === 0) return;
  await lockPolicies(tx, policies, workflow.id);
  const row = await historyRow(tx, workflow.id);
  const { mode } = occurrence.details;
  const rule = mode === 'classic' || mode === 'fallback' ? null : strictestBreaker(policies);
  const breaker = rule === null ? row.breaker : counted(rule, row.breaker, { task, now });
  const lastSuccessAt = task.status === 'COMPLETED' ? now : row.lastSuccessAt;
  await tx.putWorkflowHistory({ ...row, lastSuccessAt, breaker, version: row.version + 1 });
  await auditBreaker(tx, parts, { workflow, before: row.breaker, after: breaker, task, now });
}

function counted(
  rule: BreakerRule,
  before: BreakerState | null,
  { task, now }: { readonly task: Task; readonly now: number },
): BreakerState {
  const ends = { COMPLETED: 'success', FAILED: 'failure' } as const;
  const end = task.status === 'COMPLETED' || task.status === 'FAILED' ? ends[task.status] : 'cancelled';
  return countRun(rule, before ?? closedBreaker, { taskId: task.id, end, now });
}

/** Gives back what a task did not spend, when it is at its end or lost. What a lost one spends later is counted again. */
export async function releaseReservation(tx: Transaction, taskId: string, now: number): Promise<void> {
  const held = await tx.reservation(taskId);
  if (held?.state !== 'held') return;
  const unspent = held.heldMicro - held.spentMicro;
  if (unspent !== 0)
    for (const { key } of held.windows) await tx.addToCounter({ key, amount: -unspent, now });
  const settled: Reservation = { ...held, heldMicro: held.spentMicro, state: 'settled' };
  await tx.putReservation(settled);
}

/** A breaker that opens or closes is on record: people ask since when, and why. */
async function auditBreaker(
  tx: Transaction,
  parts: SessionParts,
  what: {
    readonly workflow: Workflow;
    readonly before: BreakerState | null;
    readonly after: BreakerState | null;
    readonly task: Task;
    readonly now: number;
  },
): Promise<void> {
  const { workflow, before, after, task, now } = what;
  const [was, is] = [before?.state ?? 'closed', after?.state ?? 'closed'];
  if (was === is || is === 'half_open') return;
  const action = is === 'open' ? 'breaker.opened' : 'breaker.closed';
  await recordAct(tx, parts, {
    ...{ caller: systemCaller, action, now, workflow },
    details: { taskId: task.id, results: after?.results ?? '', coolOffMs: after?.coolOffMs ?? 0 },
  });
  const key = `${is} ${task.id} ${task.attempt}`;
  await announceBreaker(tx, parts, { workflow, state: after, key, task, now });
}
