/** Runs the steps of a playbook one after another. What runs commands, and what is told of it, is passed in. */
import type { Clock } from '../../pkg/clock/clock.ts';
import { type EndedStep, judge, type Scope, stepKey } from './condition/evaluate.ts';
import type { StepStatus } from './condition/expression.ts';
import type { PlaybookEvent, PlaybookResult, RunScope, Step, StepResult, StepRunner } from './playbook.ts';
import type { OpenRun } from './run-state.ts';
import { isOver, notRun, resultOf, runStep } from './run-step.ts';

/** What a run works with. */
export interface PlaybookParts {
  readonly clock: Clock;
  readonly runner: StepRunner;
  /** what is known of the run, and where what happens is written down */
  readonly run: OpenRun;
  readonly scope: RunScope;
  /** Told in order; the next thing happens when it resolves. Must not reject. */
  readonly on: (event: PlaybookEvent) => Promise<void>;
  /** of steps that have none of their own; ms; default: no limit */
  readonly stepTimeoutMs?: number;
  /** stops the run: the step that runs is ended, and of the others only those with `always` run */
  readonly signal: AbortSignal;
  /** ends those too; default: never */
  readonly abandon?: AbortSignal;
}

/**
 * Runs a playbook to its end. What ended in an earlier start of the run is told again and not done again.
 * @param steps  those with which `parts.run` was opened
 * @throws what the state of the run throws when it cannot be written
 */
export async function runPlaybook(steps: readonly Step[], parts: PlaybookParts): Promise<PlaybookResult> {
  return new PlaybookRun(parts).all(steps);
}

class PlaybookRun {
  readonly #parts: PlaybookParts;
  readonly #results: StepResult[] = [];
  readonly #ended = new Map<string, EndedStep>();
  #isStopped: boolean;
  /** whether a step failed whose failure counts */
  #hasFailed = false;
  /** whether such a step keeps those behind it from running */
  #isHalted = false;

  constructor(parts: PlaybookParts) {
    this.#parts = parts;
    this.#isStopped = parts.run.wasStopped;
  }

  async all(steps: readonly Step[]): Promise<PlaybookResult> {
    const begin = this.#parts.clock.monotonicMs();
    try {
      for (const step of steps) await this.#one(step);
    } finally {
      await this.#parts.runner.close();
    }
    const status = this.#status();
    const durationMs = Math.round(this.#parts.clock.monotonicMs() - begin);
    return { status, steps: this.#results, durationMs };
  }

  async #one(step: Step): Promise<void> {
    const { run, runner, clock, on } = this.#parts;
    const history = run.history(step.index);
    const { ended, skipped } = history;
    if (skipped !== null) return this.#take(step, notRun(step, ended, skipped), true);
    if (isOver(ended)) return this.#take(step, resultOf(step, ended), true);
    this.#noteStop();
    const hasBegun = ended.length > 0 || history.open !== null;
    const reason = this.#whyNot(step, hasBegun);
    if (reason !== null && !hasBegun) {
      run.append({ type: 'skipped', step: step.index, reason });
      return this.#take(step, notRun(step, [], reason), false);
    }
    const timeoutMs = step.timeoutMs ?? this.#parts.stepTimeoutMs ?? null;
    const signal = reason === null ? this.#signalFor(step) : AbortSignal.abort();
    const result = await runStep(step, {
      clock,
      runner,
      run,
      on,
      scope: this.#scope(step),
      timeoutMs,
      signal,
    });
    this.#noteStop();
    await this.#take(step, result, false);
  }

  /** What cleans up is not ended by what made it necessary. */
  #signalFor(step: Step): AbortSignal {
    return step.always ? (this.#parts.abandon ?? new AbortController().signal) : this.#parts.signal;
  }

  /** Why a step does not run; null when it does. @param hasBegun  in an earlier start: its condition was met then */
  #whyNot(step: Step, hasBegun: boolean): 'condition' | 'earlier_failure' | 'cancelled' | null {
    const isAbandoned = this.#parts.abandon?.aborted === true;
    if (this.#isStopped && (!step.always || isAbandoned)) return 'cancelled';
    if (hasBegun) return null;
    if (this.#isHalted && !step.always) return 'earlier_failure';
    if (step.condition !== null && !judge(step.condition, this.#scope(step))) return 'condition';
    return null;
  }

  /** Once stopped, a run stays so, also for its next start. */
  #noteStop(): void {
    if (this.#isStopped || !this.#parts.signal.aborted) return;
    this.#isStopped = true;
    this.#parts.run.append({ type: 'stopped' });
  }

  async #take(step: Step, result: StepResult, before: boolean): Promise<void> {
    this.#results.push(result);
    if (result.status === 'failure' && !step.continueOnError) {
      this.#hasFailed = true;
      this.#isHalted ||= step.failFast;
    }
    // copies of a step, and steps of one name, are one for conditions
    const key = stepKey(step.baseName);
    this.#ended.set(key, merged(this.#ended.get(key), result));
    await this.#parts.on({ type: 'step-ended', step, result, before });
  }

  #status(): PlaybookResult['status'] {
    if (this.#isStopped) return 'cancelled';
    return this.#hasFailed ? 'failure' : 'success';
  }

  #scope(step: Step): Scope {
    return { ...this.#parts.scope, matrix: step.matrix, steps: this.#ended, status: this.#status() };
  }
}

const order: readonly StepStatus[] = ['failure', 'cancelled', 'success', 'skipped'];

function merged(before: EndedStep | undefined, { status, outputs }: EndedStep): EndedStep {
  if (before === undefined) return { status, outputs };
  const worst = order.find((one) => one === status || one === before.status) ?? status;
  return { status: worst, outputs: { ...before.outputs, ...outputs } };
}
