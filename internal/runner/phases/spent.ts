import type { WorkLimits, WorkUsage } from '../../coder/coding-agent.ts';

/** What may still be spent when some was. @returns null = nothing */
export function limitsLeft(limits: WorkLimits, spent: WorkUsage | null): WorkLimits | null {
  if (spent === null) return limits;
  const tokens = limits.maxTokens === null ? null : limits.maxTokens - spent.tokensIn - spent.tokensOut;
  const cost = limits.maxCostMicros === null ? null : limits.maxCostMicros - (spent.costMicros ?? 0);
  if ((tokens !== null && tokens <= 0) || (cost !== null && cost <= 0)) return null;
  return { ...limits, maxTokens: tokens, maxCostMicros: cost };
}

/** What was spent by two pieces of work. */
export function sumOf(before: WorkUsage | null, more: WorkUsage): WorkUsage {
  if (before === null) return more;
  const isKnown = before.costMicros !== null || more.costMicros !== null;
  return {
    model: more.model ?? before.model,
    calls: before.calls + more.calls,
    tokensIn: before.tokensIn + more.tokensIn,
    tokensOut: before.tokensOut + more.tokensOut,
    costMicros: isKnown ? (before.costMicros ?? 0) + (more.costMicros ?? 0) : null,
    isEstimated: before.isEstimated || more.isEstimated,
  };
}
