/** The test's own books of a simulated year: kept from what agents and people did, never from the ledger. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Task } from '../../../../internal/domain/task.ts';
import type { BreakerModel } from './breaker-model.ts';
import type { Plan } from './plan.ts';

/** What a run is: the agent's action, the classic script in its place or after it, or a hook. */
export type RunKind = 'agent' | 'classic' | 'fallback' | 'hook';

/** One task of a workflow. */
export interface Run {
  readonly id: string;
  readonly plan: Plan;
  readonly triggerId: string;
  readonly kind: RunKind;
  readonly createdAt: number;
  attempts: number;
  micro: number;
  calls: number;
  tokensIn: number;
  tokensOut: number;
  /** those that no end has told yet */
  untold: number;
  status: string;
  durationMs: number | null;
  endedAt: number | null;
  hasSucceededAt: number | null;
}

/** An end of a run; one that is tried again by hand has several. */
export interface End {
  readonly run: Run;
  readonly status: string;
  readonly at: number;
  readonly durationMs: number | null;
  /** since the end before */
  readonly micro: number;
}

/** Every weight of a workflow, and since when. */
type Weights = [at: number, weight: number][];

/** @see the head of this file */
export class Book {
  readonly runs = new Map<string, Run>();
  readonly ends: End[] = [];
  /** keys of events that were taken, by workflow */
  readonly events = new Map<string, Set<string>>();
  readonly weights = new Map<string, Weights>();
  readonly breakers = new Map<string, BreakerModel>();
  readonly #open = new Map<string, Run>();

  /** Tasks that are not at their end, as far as the books go. */
  openRuns(): readonly Run[] {
    return [...this.#open.values()];
  }

  /** Notes a task that is new. @param key  of its occurrence */
  meet(task: Task, about: { readonly plan: Plan; readonly triggerId: string; readonly key: string }): void {
    const { plan, triggerId, key } = about;
    const { id, script, parameters, createdAt } = task;
    const kind =
      script === 'page' ? 'hook' : script === 'agent' ? 'agent' : parameters.taskId ? 'fallback' : 'classic';
    const run: Run = {
      ...{ id, plan, triggerId, kind, createdAt, attempts: 0, micro: 0, calls: 0, tokensIn: 0, tokensOut: 0 },
      ...{ untold: 0, status: 'PENDING', durationMs: null, endedAt: null, hasSucceededAt: null },
    };
    this.runs.set(id, run);
    this.#open.set(id, run);
    if (kind === 'agent' || kind === 'classic') this.#checkPath(run, key);
    // what is the agent's action, or the only one there is
    if (kind === 'agent') this.breakers.get(plan.name)?.start(id, createdAt);
  }

  /** The same time always takes the same path: reckoned anew from its key. */
  #checkPath({ plan, triggerId, kind, createdAt }: Run, key: string): void {
    const weights = this.weights.get(plan.name);
    if (weights === undefined) return;
    const weight = weights.findLast(([at]) => at <= createdAt)?.[1] ?? 1;
    const hash = createHash('sha256')
      .update(`${triggerId}\n${key.replace(/^at:/, '')}`)
      .digest();
    const expected = hash.readUInt32BE() / 2 ** 32 < weight ? 'agent' : 'classic';
    expect({ workflow: plan.name, key, kind }).toEqual({ workflow: plan.name, key, kind: expected });
  }

  begin(id: string): Run {
    const run = this.runs.get(id);
    if (run === undefined) throw new Error(`nobody has heard of task ${id}`);
    run.attempts += 1;
    return run;
  }

  spend(
    run: Run,
    cost: { readonly micro: number; readonly tokensIn: number; readonly tokensOut: number },
  ): void {
    run.micro += cost.micro;
    run.untold += cost.micro;
    run.calls += 1;
    run.tokensIn += cost.tokensIn;
    run.tokensOut += cost.tokensOut;
  }

  /** Notes that a task is at its end. */
  end(run: Run, task: Task, at: number): void {
    const { startedAt, finishedAt, status } = task;
    const durationMs = startedAt === null || finishedAt === null ? null : finishedAt - startedAt;
    Object.assign(run, { status, durationMs, endedAt: at });
    if (status === 'COMPLETED') run.hasSucceededAt = at;
    this.ends.push({ run, status, at, durationMs, micro: run.untold });
    run.untold = 0;
    this.#open.delete(run.id);
    if (run.kind === 'agent') this.breakers.get(run.plan.name)?.end(run.id, status, at);
  }

  /** Notes that somebody wants a task once more. */
  again(run: Run): void {
    run.status = 'PENDING';
    run.endedAt = null;
    this.#open.set(run.id, run);
  }

  /** Runs of a workflow, in the order in which they were decided. */
  of(name: string): readonly Run[] {
    return [...this.runs.values()].filter(({ plan }) => plan.name === name);
  }
}
