/** Policies and what they count, as they are told to clients. */
import type { ApprovalWire, ComparisonWire, CostsWire, PolicyWire } from '../api/governance-shapes.ts';
import type { Approval, CostEntry, CostSum } from '../domain/governance.ts';
import { currency, formatMoney } from '../domain/money.ts';
import type { compareWorkflow } from './migrate-workflow.ts';
import type { ShownPolicy } from './set-policy.ts';
import { toInstant, toInstantOrNull } from './wire.ts';

/** A policy on the wire. */
export function toPolicyWire({ sessionId, policy, actor, updatedAt }: ShownPolicy): PolicyWire {
  const written = policy === null ? null : { ...policy };
  return { sessionId, policy: written, actor, updatedAt: toInstantOrNull(updatedAt) };
}

/** A question for approval on the wire. @param workflow  name of its workflow; `''` when that is gone */
export function toApprovalWire(approval: Approval, workflow: string): ApprovalWire {
  const { id, workflowVersion, triggerId, sessionId, role, parameters, state, actor, decidedBy } = approval;
  return {
    ...{ id, workflow, workflowVersion, triggerId, sessionId, role, state, actor, decidedBy },
    parameters: { ...parameters },
    createdAt: toInstant(approval.createdAt),
    expiresAt: toInstant(approval.expiresAt),
    decidedAt: toInstantOrNull(approval.decidedAt),
  };
}

/** What a task cost, on the wire. */
export function toCostsWire({ micro, tokensIn, tokensOut, entries }: CostSum): CostsWire {
  return { amount: formatMoney(micro), currency, tokensIn, tokensOut, entries };
}

/** Models that are told of one by one. */
const maxModels = 20;

/** What a task cost, on the wire, in all and by model. */
export function toModelCostsWire(sum: CostSum, costs: readonly CostEntry[]): CostsWire {
  const sums = new Map<string, CostSum>();
  for (const { model, micro, tokensIn, tokensOut } of costs) {
    const so = sums.get(model) ?? { micro: 0, tokensIn: 0, tokensOut: 0, entries: 0 };
    sums.set(model, {
      micro: so.micro + micro,
      tokensIn: so.tokensIn + (tokensIn ?? 0),
      tokensOut: so.tokensOut + (tokensOut ?? 0),
      entries: so.entries + 1,
    });
  }
  const dearest = [...sums].toSorted(([, a], [, b]) => b.micro - a.micro).slice(0, maxModels);
  const models = dearest.map(([model, of]) => {
    const { currency: _, ...told } = toCostsWire(of);
    return { model, ...told };
  });
  return { ...toCostsWire(sum), models };
}

/** A comparison on the wire. */
export function toComparisonWire(compared: Awaited<ReturnType<typeof compareWorkflow>>): ComparisonWire {
  const { workflow, weight, sides } = compared;
  return {
    workflow: workflow.name,
    migrationWeight: weight,
    sides: sides.map(({ meanCostMicro, totalCostMicro, ...side }) => ({
      ...side,
      meanCost: meanCostMicro === null ? null : formatMoney(meanCostMicro),
      totalCost: formatMoney(totalCostMicro),
    })),
  };
}
