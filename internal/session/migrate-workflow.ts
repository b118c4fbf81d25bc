/** How much of a workflow goes to the agent's action, changed in small steps and at once undone; and the evidence for that. */
import { ConflictError, InputError } from '../domain/errors.ts';
import type { DecisionMode } from '../domain/policy.ts';
import type { Fallback, Workflow } from '../domain/workflow.ts';
import { recordAct } from './append-ledger.ts';
import { namedWorkflow } from './apply-workflow.ts';
import type { Caller, SessionParts } from './parts.ts';

/** Runs that are compared at most. */
const maxCompared = 1000;

/**
 * Sets the weight of a workflow: a new version, on record. The same weight again changes nothing. A file that the workflow
 * belongs to says its own again when it is applied.
 *
 * @param wish.weight  part of the times that go to the agent's action; 0 to 1
 * @throws {InputError} KERUTA_ERR_BAD_VALUE; {ConflictError} KERUTA_ERR_NO_FALLBACK
 */
export async function migrateWorkflow(
  parts: SessionParts,
  wish: { readonly caller: Caller; readonly workflow: string; readonly weight: number },
): Promise<{ readonly workflow: Workflow; readonly before: number }> {
  const { caller, weight } = wish;
  if (!(weight >= 0 && weight <= 1))
    throw new InputError('KERUTA_ERR_BAD_VALUE', `weight: expected a number from 0 to 1, got ${weight}`);
  const now = await parts.store.now();
  const { name } = await namedWorkflow(parts.store, wish.workflow);
  return parts.store.transact(async (tx) => {
    await tx.lockSession(`workflow ${name}`);
    const before = await namedWorkflow(tx, name);
    const fallback = fallbackOf(before);
    if (fallback.migrationWeight === weight) return { workflow: before, before: weight };
    const definition = { ...before.definition, fallback: { ...fallback, migrationWeight: weight } };
    const workflow = { ...before, definition, version: before.version + 1, updatedAt: now };
    const { id: workflowId, version } = workflow;
    await tx.putWorkflow(workflow);
    await tx.insertWorkflowVersion({ workflowId, version, definition, actor: caller.actor, at: now });
    await recordAct(tx, parts, {
      ...{ caller, action: 'workflow.migrated', now, workflow },
      details: { before: fallback.migrationWeight, weight },
    });
    return { workflow, before: fallback.migrationWeight };
  });
}

function fallbackOf({ name, definition }: Workflow): Fallback {
  if (definition.fallback) return definition.fallback;
  throw new ConflictError(
    'KERUTA_ERR_NO_FALLBACK',
    `Workflow ${name} has no fallback, so there is nothing to weigh; add one to its definition and apply it.`,
  );
}

/** How the runs of one action went. Costs are micro-dollars, durations ms. */
export interface Side {
  readonly mode: DecisionMode;
  readonly runs: number;
  readonly succeeded: number;
  readonly failed: number;
  /** of those that succeeded or failed; null when none did */
  readonly successRate: number | null;
  readonly meanDurationMs: number | null;
  readonly p95DurationMs: number | null;
  readonly meanCostMicro: number | null;
  readonly totalCostMicro: number;
}

/**
 * Sets agent and classic script side by side, over the newest runs.
 * @param wish.since  decided at or after; epoch ms; default: all
 * @throws {ConflictError} KERUTA_ERR_NO_FALLBACK when there is nothing to compare and never was
 */
export async function compareWorkflow(
  parts: SessionParts,
  wish: { readonly workflow: string; readonly since?: number | undefined },
): Promise<{ readonly workflow: Workflow; readonly weight: number | null; readonly sides: readonly Side[] }> {
  const { store } = parts;
  const workflow = await namedWorkflow(store, wish.workflow);
  const filter = {
    ...{ workflowId: workflow.id, decision: 'run' as const },
    ...(wish.since === undefined ? {} : { from: wish.since }),
  };
  const runs = await store.occurrences(filter, { limit: maxCompared, offset: 0 });
  const ends = new Map<DecisionMode, End[]>([
    ['agent', []],
    ['classic', []],
    ['fallback', []],
  ]);
  for (const { taskId, details } of runs) {
    const task = taskId === null ? null : await store.task(taskId);
    const side = ends.get(details.mode as DecisionMode);
    if (task === null || side === undefined) continue;
    const { micro } = await store.costSum(task.id);
    const { status, startedAt, finishedAt } = task;
    const durationMs = startedAt === null || finishedAt === null ? null : finishedAt - startedAt;
    side.push({ status, durationMs, micro });
  }
  const sides = [...ends].map(([mode, of]) => sideOf(mode, of));
  if (workflow.definition.fallback == null && sides.every(({ runs }) => runs === 0)) fallbackOf(workflow);
  return { workflow, weight: workflow.definition.fallback?.migrationWeight ?? null, sides };
}

interface End {
  readonly status: string;
  readonly durationMs: number | null;
  readonly micro: number;
}

function sideOf(mode: DecisionMode, ends: readonly End[]): Side {
  const of = (status: string) => ends.filter((end) => end.status === status).length;
  const [succeeded, failed] = [of('COMPLETED'), of('FAILED')];
  const durations = ends.flatMap(({ durationMs }) => durationMs ?? []).toSorted((a, b) => a - b);
  const totalCostMicro = ends.reduce((sum, { micro }) => sum + micro, 0);
  return {
    ...{ mode, runs: ends.length, succeeded, failed },
    successRate: succeeded + failed === 0 ? null : succeeded / (succeeded + failed),
    meanDurationMs: durations.length === 0 ? null : Math.round(sum(durations) / durations.length),
    p95DurationMs: durations[Math.ceil(durations.length * 0.95) - 1] ?? null,
    meanCostMicro: ends.length === 0 ? null : Math.round(totalCostMicro / ends.length),
    totalCostMicro,
  };
}

const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
