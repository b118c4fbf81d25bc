import type { Log } from '../../../pkg/log/log.ts';
import type { Attempt } from '../../domain/attempt.ts';
import type { CostEntry } from '../../domain/governance.ts';
import type { Task } from '../../domain/task.ts';
import type { Occurrence, Trigger } from '../../domain/workflow.ts';
import type { Reads } from '../../store/store.ts';
import type { Fact } from './facts.ts';

/** Where an execution came from, in words. */
export interface Origin {
  /** `workflow/trigger`; `direct` when no trigger made it, `unknown` when the trigger is gone */
  readonly name: string;
  /** name of the trigger's type; `direct` and `unknown` as above */
  readonly type: string;
  readonly workflow: string | null;
  readonly workflowId: string | null;
}

/** A fact with what has to be looked up to tell it. */
export type Happened =
  | { readonly kind: 'registered'; readonly origin: Origin; readonly trigger: Trigger }
  | { readonly kind: 'occurred'; readonly origin: Origin; readonly occurrence: Occurrence }
  | {
      readonly kind: 'started';
      readonly origin: Origin;
      readonly task: Task;
      readonly attempt: Attempt;
      readonly occurrence: Occurrence | null;
    }
  | {
      readonly kind: 'ended';
      readonly origin: Origin;
      readonly task: Task;
      readonly occurrence: Occurrence | null;
      /** what it cost in all; micro-dollars; null when nobody said, or it could not be read */
      readonly costMicro: number | null;
    }
  | { readonly kind: 'spent'; readonly origin: Origin; readonly cost: CostEntry }
  | { readonly kind: 'lost'; readonly attempt: Attempt }
  | Extract<Fact, { kind: 'told' }>;

/** Somebody who is told what happened; must not throw. */
export type Teller = (happened: Happened) => void;

/** Facts that wait to be told; more are not, but they are counted. */
const maxWaiting = 20_000;
/** Triggers whose names are remembered. */
const maxNames = 2_000;

const direct: Origin = { name: 'direct', type: 'direct', workflow: null, workflowId: null };
const unknown: Origin = { name: 'unknown', type: 'unknown', workflow: null, workflowId: null };

/**
 * Tells metrics, log and traces what happened, in the order of the commits, beside the work: what has to be looked up is
 * read afterwards, and work never waits for it. What cannot be looked up is told without.
 */
export class Chronicle {
  readonly #reads: Reads;
  readonly #log: Log;
  readonly #tellers: readonly Teller[];
  readonly #waiting: Fact[] = [];
  readonly #names = new Map<string, Origin>();
  #telling: Promise<void> | null = null;
  #missed = 0;

  constructor(parts: { readonly reads: Reads; readonly log: Log; readonly tellers: readonly Teller[] }) {
    this.#reads = parts.reads;
    this.#log = parts.log;
    this.#tellers = parts.tellers;
  }

  /** How many facts were never told, because too many came at once. */
  get missed(): number {
    return this.#missed;
  }

  /** Takes facts; returns at once. */
  add(facts: readonly Fact[]): void {
    for (const fact of facts) {
      if (this.#waiting.length >= maxWaiting) this.#missed++;
      else this.#waiting.push(fact);
    }
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = null;
    });
  }

  /** Resolves when everything that was taken is told. */
  async settled(): Promise<void> {
    while (this.#telling !== null) await this.#telling;
  }

  async #tellAll(): Promise<void> {
    // what is taken out one by one from the front of a long list is moved each time
    while (this.#waiting.length > 0) {
      for (const fact of this.#waiting.splice(0)) {
        const happened = await this.#understand(fact);
        for (const tell of this.#tellers) tell(happened);
      }
    }
  }

  async #understand(fact: Fact): Promise<Happened> {
    switch (fact.kind) {
      case 'lost':
      case 'told':
        return fact;
      case 'registered': {
        this.#names.delete(fact.trigger.id);
        return { ...fact, origin: await this.#originOf(fact.trigger.id) };
      }
      case 'occurred':
        return { ...fact, origin: await this.#originOf(fact.occurrence.triggerId) };
      case 'spent': {
        const task = await this.#reads.task(fact.cost.taskId).catch(() => null);
        if (task === null) return { ...fact, origin: unknown };
        const { triggerId } = task;
        return { ...fact, origin: triggerId === null ? direct : await this.#originOf(triggerId) };
      }
      case 'started':
        return { ...fact, ...(await this.#cameFrom(fact.task)) };
      case 'ended': {
        const cost = await this.#reads.costSum(fact.task.id).catch(() => null);
        const costMicro = cost === null || cost.entries === 0 ? null : cost.micro;
        return { ...fact, ...(await this.#cameFrom(fact.task)), costMicro };
      }
    }
  }

  async #cameFrom({ id, triggerId }: Task): Promise<{ origin: Origin; occurrence: Occurrence | null }> {
    if (triggerId === null) return { origin: direct, occurrence: null };
    const occurrence = await this.#reads.occurrenceOfTask(id).catch(() => null);
    return { origin: await this.#originOf(triggerId), occurrence };
  }

  async #originOf(triggerId: string): Promise<Origin> {
    const known = this.#names.get(triggerId);
    if (known !== undefined) return known;
    try {
      const trigger = await this.#reads.trigger(triggerId);
      const workflow = trigger === null ? null : await this.#reads.workflow(trigger.workflowId);
      if (trigger === null || workflow === null) return unknown;
      const { type } = trigger;
      const found = { type, workflow: workflow.name, workflowId: workflow.id };
      const origin = { ...found, name: `${workflow.name}/${trigger.name}` };
      if (this.#names.size >= maxNames) this.#names.clear();
      this.#names.set(triggerId, origin);
      return origin;
    } catch (error) {
      this.#log.debug('the name of a trigger could not be read', { triggerId, error });
      return unknown;
    }
  }
}
