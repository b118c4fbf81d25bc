/** Policies and what they count, on the wire. Money is decimal text, in dollars. */
import { z } from 'zod';
import { maxMicro, parseMoney } from '../domain/money.ts';

const instant = z.iso.datetime({ offset: true });
const instantOrNull = instant.nullable();

/** A policy of a session or over everything. */
export const policyShape = z.object({
  /** null = it is over everything */
  sessionId: z.string().nullable(),
  /** as people write it; null = it says nothing */
  policy: z.record(z.string(), z.unknown()).nullable(),
  actor: z.string().nullable(),
  updatedAt: instantOrNull,
});
/** @see policyShape */
export type PolicyWire = z.output<typeof policyShape>;

/** A policy as people write it; it is judged field by field. */
export const policyBody = z.record(z.string(), z.unknown());

/** A run that waits for a yes, or did. */
export const approvalShape = z.object({
  id: z.string(),
  workflow: z.string(),
  workflowVersion: z.number(),
  triggerId: z.string(),
  sessionId: z.string(),
  role: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  state: z.string(),
  actor: z.string(),
  createdAt: instant,
  expiresAt: instant,
  decidedBy: z.string().nullable(),
  decidedAt: instantOrNull,
});
/** @see approvalShape */
export type ApprovalWire = z.output<typeof approvalShape>;

/** What became of a yes. */
export const approvedShape = z.object({
  approval: approvalShape,
  /** null: another role is asked now */
  taskId: z.string().nullable(),
  next: approvalShape.nullable(),
});
/** @see approvedShape */
export type ApprovedWire = z.output<typeof approvedShape>;

/** A breaker after its reset. */
export const breakerResetShape = z.object({ workflow: z.string(), was: z.string(), results: z.string() });

/** A cost as somebody tells it. */
export const costBody = z.object({
  /** decimal text or a number, in dollars */
  amount: z.union([z.string(), z.number()]).transform((value, context) => {
    const micro = parseMoney(String(value));
    if (micro !== null) return micro;
    const most = maxMicro / 1e6;
    const message = `expected an amount from 0 to ${most}, such as "0.12", got ${value}`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }),
  currency: z.literal('USD').optional(),
  /** the same one again is the same cost */
  key: z.string().min(1).max(200).optional(),
  tokensIn: z.int().min(0).nullish(),
  tokensOut: z.int().min(0).nullish(),
  model: z.string().max(200).optional(),
});

/** What a task cost. */
export const costsShape = z.object({
  /** in all */
  amount: z.string(),
  currency: z.string(),
  tokensIn: z.number(),
  tokensOut: z.number(),
  entries: z.number(),
  /** the same by model, the dearest first, at most 20; without a name: none was said */
  models: z
    .array(
      z.object({
        model: z.string(),
        amount: z.string(),
        tokensIn: z.number(),
        tokensOut: z.number(),
        entries: z.number(),
      }),
    )
    .optional(),
});
/** @see costsShape */
export type CostsWire = z.output<typeof costsShape>;

/** How the runs of one action went. */
const sideShape = z.object({
  mode: z.enum(['agent', 'classic', 'fallback']),
  runs: z.number(),
  succeeded: z.number(),
  failed: z.number(),
  /** of those that succeeded or failed, 0 to 1; null when none did */
  successRate: z.number().nullable(),
  meanDurationMs: z.number().nullable(),
  p95DurationMs: z.number().nullable(),
  meanCost: z.string().nullable(),
  totalCost: z.string(),
});

/** Agent and classic script side by side. */
export const comparisonShape = z.object({
  workflow: z.string(),
  /** null = it has no fallback any more */
  migrationWeight: z.number().nullable(),
  sides: z.array(sideShape),
});
/** @see comparisonShape */
export type ComparisonWire = z.output<typeof comparisonShape>;

/** What part goes to the agent's action. */
export const migrationBody = z.object({ weight: z.number().min(0).max(1) });

/** A weight that was set. */
export const migratedShape = z.object({
  workflow: z.string(),
  version: z.number(),
  before: z.number(),
  weight: z.number(),
});
/** @see migratedShape */
export type MigratedWire = z.output<typeof migratedShape>;
