import { formatMoney } from '../domain/money.ts';
import type { CostGate, WorkEvent, WorkLimits, WorkReason, WorkUsage } from './coding-agent.ts';

/** Nothing spent. */
export const noUsage: WorkUsage = {
  model: null,
  calls: 0,
  tokensIn: 0,
  tokensOut: 0,
  costMicros: null,
  isEstimated: false,
};

/** Why work has to stop. */
export interface Stop {
  readonly reason: WorkReason;
  /** for people */
  readonly words: string;
}

/** What is asked and told when something is spent. */
export interface SpendingParts {
  readonly limits: Pick<WorkLimits, 'maxTokens' | 'maxCostMicros'>;
  readonly gate?: CostGate | undefined;
  readonly on?: ((event: WorkEvent) => void) | undefined;
}

/** Adds up what one piece of work spends, tells it, and says when it is too much. */
export class Spending {
  readonly #parts: SpendingParts;
  #total = noUsage;

  constructor(parts: SpendingParts) {
    this.#parts = parts;
  }

  get total(): WorkUsage {
    return this.#total;
  }

  /** Takes what was spent since; @returns null = go on. @throws what the gate throws */
  async add(added: WorkUsage): Promise<Stop | null> {
    return this.raiseTo(sum(this.#total, added));
  }

  /** Takes what was spent in all; a number that is lower than before is passed over. @returns null = go on */
  async raiseTo(usage: WorkUsage): Promise<Stop | null> {
    const before = this.#total;
    const total = larger(before, usage);
    const added = difference(total, before);
    this.#total = total;
    if (isSame(total, before)) return null;
    this.#parts.on?.({ type: 'usage', added, total });
    const refusal = await this.#parts.gate?.({ added, total });
    if (typeof refusal === 'string') return { reason: 'gate', words: refusal };
    return overLimit(total, this.#parts.limits);
  }
}

/** Says whether a limit is reached. */
export function overLimit(total: WorkUsage, limits: SpendingParts['limits']): Stop | null {
  const { maxTokens, maxCostMicros } = limits;
  const tokens = total.tokensIn + total.tokensOut;
  if (maxCostMicros !== null && (total.costMicros ?? 0) >= maxCostMicros) {
    const words = `${formatMoney(total.costMicros ?? 0)} USD are spent, the limit is ${formatMoney(maxCostMicros)}`;
    return { reason: 'cost', words };
  }
  if (maxTokens !== null && tokens >= maxTokens)
    return { reason: 'tokens', words: `${tokens} tokens are used, the limit is ${maxTokens}` };
  return null;
}

function sum(a: WorkUsage, b: WorkUsage): WorkUsage {
  return {
    model: b.model ?? a.model,
    calls: a.calls + b.calls,
    tokensIn: a.tokensIn + b.tokensIn,
    tokensOut: a.tokensOut + b.tokensOut,
    costMicros: costSum(a.costMicros, b.costMicros),
    isEstimated: a.isEstimated || b.isEstimated,
  };
}

/** A cost that is not known does not make one unknown that is. */
const costSum = (a: number | null, b: number | null) => (a === null ? b : a + (b ?? 0));

function larger(a: WorkUsage, b: WorkUsage): WorkUsage {
  const costs = [a.costMicros, b.costMicros].filter((cost) => cost !== null);
  return {
    model: b.model ?? a.model,
    calls: Math.max(a.calls, b.calls),
    tokensIn: Math.max(a.tokensIn, b.tokensIn),
    tokensOut: Math.max(a.tokensOut, b.tokensOut),
    costMicros: costs.length === 0 ? null : Math.max(...costs),
    isEstimated: a.isEstimated || b.isEstimated,
  };
}

function difference(after: WorkUsage, before: WorkUsage): WorkUsage {
  return {
    ...after,
    calls: after.calls - before.calls,
    tokensIn: after.tokensIn - before.tokensIn,
    tokensOut: after.tokensOut - before.tokensOut,
    costMicros: after.costMicros === null ? null : after.costMicros - (before.costMicros ?? 0),
  };
}

const isSame = (a: WorkUsage, b: WorkUsage) =>
  a.calls === b.calls &&
  a.tokensIn === b.tokensIn &&
  a.tokensOut === b.tokensOut &&
  a.costMicros === b.costMicros;
